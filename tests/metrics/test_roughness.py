"""The roughness of a volume from slice to slice, beside the truth's."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.metrics import psnr, z_roughness

Metric = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def volume(seed: int, shape: tuple[int, int, int] = (6, 5, 4)) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(shape)


def check_roughness(metric: Metric, seed: int, factor: float) -> None:
    """It is 1 for the truth, goes with the square of differences along z alone, and with nothing within slices."""
    truth = 2 + np.abs(volume(seed))
    assert metric(truth, truth) == pytest.approx(1)
    mean = truth.mean(axis=0)
    assert metric(truth, mean + factor * (truth - mean)) == pytest.approx(factor**2)
    offset = np.abs(volume(seed + 1)[:1])
    assert metric(truth, truth + offset) == pytest.approx(1), "what is alike in all slices is not rough along z"
    assert metric(truth, truth[::-1]) == pytest.approx(1)
    assert metric(3j * truth, 3 * truth) == pytest.approx(1)


@given(seed=st.integers(0, 20), factor=st.floats(0, 1))
def test_it_is_the_square_of_differences_from_slice_to_slice(seed: int, factor: float) -> None:
    check_roughness(z_roughness, seed, factor)


def within_slices(truth: NDArray[np.float64], image: NDArray[np.float64]) -> float:
    a, b = (np.square(np.diff(np.abs(v), axis=1)).sum() for v in (truth, image))
    return float(b / a)


def of_the_error(truth: NDArray[np.float64], image: NDArray[np.float64]) -> float:
    return float(1 + np.square(np.diff(np.abs(image) - np.abs(truth), axis=0)).sum())


@pytest.mark.parametrize("metric", [within_slices, of_the_error])
def test_another_metric_is_noticed(metric: Metric) -> None:
    with pytest.raises(AssertionError):
        check_roughness(metric, 0, 0.5)


def test_errors_that_flicker_are_told_from_those_that_do_not() -> None:
    """Of the same size, so that PSNR sees no difference."""
    slices = np.arange(16)[:, None, None]
    truth = np.broadcast_to(4 + np.sin(slices / 4), (16, 5, 5))
    error = np.ones((16, 5, 5))
    steady, flickering = truth + 0.3 * error, truth + 0.3 * error * (-1) ** slices
    assert psnr(truth, steady) == pytest.approx(psnr(truth, flickering))
    assert z_roughness(truth, steady) == pytest.approx(1)
    assert z_roughness(truth, flickering) > 5


def test_where_the_truth_is_alike_in_all_slices() -> None:
    alike = np.ones((3, 4, 4))
    assert z_roughness(alike, 2 * alike) == 1
    assert z_roughness(alike[0], alike[0]) == 1
    assert z_roughness(alike, alike + np.arange(3)[:, None, None]) == math.inf


def test_volumes_of_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="must both be"):
        z_roughness(volume(0), volume(0)[1:])
