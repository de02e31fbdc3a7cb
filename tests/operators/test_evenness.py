"""How evenly samples are weighed, against points of the grid that are sampled as often as one likes."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff.operators import Fourier, NonUniformFourier, Sensitivities, Shape, Subsample, lift


def on_grid(shape: Shape, counts: list[int]) -> NonUniformFourier:
    """The first points of the grid, each as often as its count says."""
    axes = [(torch.arange(n, dtype=torch.float64) - n // 2) / n for n in shape]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)
    return NonUniformFourier(points[: len(counts)].repeat_interleave(torch.tensor(counts), dim=0), shape)


@st.composite
def often_sampled(draw: st.DrawFn) -> tuple[Shape, list[int]]:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=2)))
    counts = draw(st.lists(st.integers(0, 30), min_size=1, max_size=math.prod(shape)).filter(any))
    return shape, counts


@given(often_sampled())
def test_frequencies_sampled_more_often_than_others_are_weighed_unevenly(drawn: tuple[Shape, list[int]]) -> None:
    shape, counts = drawn
    expected = sum(count**2 for count in counts) / (sum(counts) * max(counts))
    assert on_grid(shape, counts).evenness() == pytest.approx(math.sqrt(expected), rel=1e-5)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 20), st.integers(0, 99))
def test_any_points_are_at_most_even(height: int, width: int, samples: int, seed: int) -> None:
    points = torch.rand(samples, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 0.5
    assert 0 < NonUniformFourier(points, (height, width)).evenness() <= 1 + 1e-5


def test_maps_factors_and_lifts_leave_it_as_it_is() -> None:
    F = on_grid((3, 4), [7, 1, 1, 1])
    assert F.evenness() < 0.9
    maps = torch.randn(2, 3, 4, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    for operator in (F @ Sensitivities(maps), 0.3 * F, lift((2,), F)):
        assert operator.evenness() == F.evenness()


def test_samples_on_a_grid_are_even() -> None:
    mask = torch.tensor([[True, False, True], [False, True, False]])
    assert (Subsample(mask) @ Fourier((2, 3))).evenness() == 1
