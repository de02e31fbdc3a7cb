"""Magnitudes of complex samples against Rice's distribution, and regions of correlated pixels against exact ones."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from invdiff.errors import InputError
from invdiff.reconstruction import Magnitude, Reconstruction

SHAPE = (4, 5)
REGION = np.zeros(SHAPE, bool)
REGION[1:3, 1:4] = True
OTHER = ~REGION
SEEN = 100.0  # so bright that a magnitude is its real part


def complex_normal(shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def rice(magnitude: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the magnitude of a complex number under noise in both of its parts: Rice, Bell
    System Technical Journal 23 (1944), by Bessel functions."""
    x = magnitude**2 / (4 * noise**2)
    mean = noise * np.sqrt(np.pi / 2) * ((1 + 2 * x) * special.ive(0, x) + 2 * x * special.ive(1, x))
    return mean, np.sqrt(magnitude**2 + 2 * noise**2 - mean**2)


def fields(count: int, seed: int) -> np.ndarray:
    """Real fields with a common part, neighbours alike, ``(count, H, W)``."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((count, SHAPE[0] + 1, SHAPE[1]))
    return white[:, 1:] + white[:, :-1] + 3 * rng.standard_normal((count, 1, 1))


@pytest.mark.parametrize("has_image", [True, False])
@pytest.mark.parametrize("noise", [0.1, 1.0, 5.0])
def test_moments_are_rices(noise: float, has_image: bool) -> None:
    image = np.linspace(0, 4, 20).reshape(SHAPE) * np.exp(2j)
    drawn = image + noise * complex_normal((20_000, *SHAPE), seed=1)
    found = Magnitude.of(drawn, image if has_image else None)
    mean, std = rice(np.abs(image), noise)
    np.testing.assert_allclose(found.std, std, rtol=0.03)
    np.testing.assert_allclose(found.pixels.centre, mean, rtol=0.02)


def test_the_deviation_of_complex_numbers_is_not_that_of_magnitudes() -> None:
    """It counts what only turns the phase, too."""
    drawn = 10 + complex_normal((20_000, *SHAPE), seed=1)
    assert np.mean(drawn.std(axis=0) / Magnitude.of(drawn).std) == pytest.approx(np.sqrt(2), rel=0.02)


@given(st.integers(2, 6), st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(0, 6))
def test_a_phase_changes_nothing_and_units_are_the_images(samples: int, seed: int, unit: float, phase: float) -> None:
    drawn, image = complex_normal((samples, *SHAPE), seed), complex_normal(SHAPE, seed + 1)
    turned = unit * np.exp(1j * phase)
    for own in (image, None):
        found = Magnitude.of(drawn, own)
        scaled = Magnitude.of(turned * drawn, None if own is None else turned * own)
        np.testing.assert_allclose(scaled.std, unit * found.std, rtol=1e-4, atol=1e-6)
        ends, of_scaled = found.pixels.interval(0.9), scaled.pixels.interval(0.9)
        np.testing.assert_allclose(of_scaled, unit * np.array(ends), rtol=1e-6, atol=1e-6)


def test_samples_are_put_about_an_image_of_its_own() -> None:
    drawn = SEEN + fields(4, 0) + 0j
    image = np.full(SHAPE, 3 * SEEN) * np.exp(1j)
    found = Magnitude.of(drawn * np.exp(1j), image)
    np.testing.assert_allclose(found.pixels.centre, np.abs(image), rtol=1e-9)
    np.testing.assert_allclose(found.std, Magnitude.of(drawn).std, rtol=1e-6)
    np.testing.assert_allclose(
        found.pixels.scale * np.sqrt(1 + 1 / 4), Magnitude.of(drawn).pixels.scale, rtol=1e-6
    )  # a centre that is known


def trials(count: int = 3000) -> list[tuple[Magnitude, np.ndarray]]:
    """Four samples of a bright image, and the field that is to be told by them."""
    every = fields(5 * count, 2).reshape(count, 5, *SHAPE)
    return [(Magnitude.of(SEEN + five[:4] + 0j), SEEN + five[4]) for five in every]


def test_the_interval_of_a_region_holds_its_mean_however_pixels_are_correlated() -> None:
    held, as_if_independent = [], []
    for found, truth in trials():
        mean, mine = truth[REGION].mean(), found.mean_in(REGION)
        lower, upper = mine.interval(0.9)
        held.append(lower <= mean <= upper)
        half = np.sqrt(np.mean(found.pixels.half_width(0.9)[REGION] ** 2) / REGION.sum())
        as_if_independent.append(abs(mean - mine.centre) <= half)
    assert np.mean(held) == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / len(held)))
    assert np.mean(as_if_independent) < 0.7


def test_which_region_is_brighter_is_told_by_differences_within_samples() -> None:
    """What regions have in common cancels: the probability to be above the truth is uniform, and would not be if the
    regions were taken for independent."""
    paired, unpaired = [], []
    for found, truth in trials():
        moved = Magnitude(found.samples - truth + SEEN, is_centre_known=False)
        paired.append(float(moved.difference(REGION, OTHER).probability_above_zero))
        one, two = moved.mean_in(REGION), moved.mean_in(OTHER)
        unpaired.append(stats.t.cdf((one.centre - two.centre) / np.hypot(one.scale, two.scale), 6))
    limit = 1.6 / np.sqrt(len(paired))
    assert stats.kstest(paired, "uniform").statistic < limit
    assert stats.kstest(unpaired, "uniform").statistic > 5 * limit


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_a_difference_has_two_signs(samples: int, seed: int) -> None:
    found = Magnitude.of(complex_normal((samples, *SHAPE), seed))
    one, two = found.difference(REGION, OTHER), found.difference(OTHER, REGION)
    assert one.probability_above_zero + two.probability_above_zero == pytest.approx(1)
    assert one.centre == pytest.approx(found.mean_in(REGION).centre - found.mean_in(OTHER).centre)
    same = found.difference(REGION, REGION)
    assert (float(same.centre), float(same.probability_above_zero)) == (0.0, 0.5)


@pytest.mark.parametrize(
    ("samples", "image", "words"),
    [
        (np.ones((1, 4, 5)), None, "draw two or more"),
        (np.ones((0, 4, 5)), np.ones((4, 5)), "0 sample"),
        (np.ones((4, 5)), None, r"not \(4, 5\)"),
        (np.ones((2, 4, 5)), np.ones((5, 4)), r"about one of shape \(5, 4\)"),
        (np.full((2, 4, 5), np.nan), None, "NaN"),
        (np.ones((2, 4, 5)), np.full((4, 5), np.inf), "infinity"),
    ],
)
def test_refusals(samples: np.ndarray, image: np.ndarray | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Magnitude.of(samples, image)


@pytest.mark.parametrize("region", [np.zeros(SHAPE, bool), np.ones((5, 4), bool), np.ones(SHAPE)])
def test_regions_that_are_none(region: np.ndarray) -> None:
    with pytest.raises(InputError, match="A region of an image of 4 x 5 is a mask of booleans"):
        Magnitude.of(np.ones((2, *SHAPE))).mean_in(region)


@pytest.mark.parametrize("has_estimate", [True, False])
def test_what_is_written_is_what_samples_tell(tmp_path: Path, has_estimate: bool) -> None:
    """Of corrected samples, where there are some."""
    drawn = complex_normal((2, 4, *SHAPE), 0).astype("c8")
    estimate = complex_normal((2, *SHAPE), 1).astype("c8") if has_estimate else None
    about = drawn.mean(axis=1) if estimate is None else estimate
    corrected = (about[:, None] + 3 * (drawn - drawn.mean(axis=1, keepdims=True))).astype("c8")
    for widened in (None, corrected):
        made = Reconstruction(drawn, about, None, {}, estimate, corrected=widened)
        made.write(tmp_path / "result.h5")
        assert made.magnitude_std is not None
        with h5py.File(tmp_path / "result.h5") as file:
            for row in range(2):
                told = Magnitude.of(
                    (drawn if widened is None else widened)[row], None if estimate is None else about[row]
                )
                np.testing.assert_allclose(file["magnitude_std"][row], told.std, rtol=1e-5)
                np.testing.assert_allclose(made.magnitude_std[row], told.std, rtol=1e-5)
                lower, upper = told.pixels.interval(0.9)
                np.testing.assert_allclose(file["lower"][row], np.maximum(lower, 0), rtol=1e-4, atol=1e-6)
                np.testing.assert_allclose(file["upper"][row], upper, rtol=1e-4)
            assert file["lower"].dtype == file["upper"].dtype == file["magnitude_std"].dtype == np.float32


def test_one_sample_writes_no_uncertainty(tmp_path: Path) -> None:
    drawn = complex_normal((2, 1, *SHAPE), 0).astype("c8")
    made = Reconstruction(drawn, drawn[:, 0], None, {})
    made.write(tmp_path / "result.h5")
    assert made.magnitude_std is None
    with h5py.File(tmp_path / "result.h5") as file:
        assert not {"magnitude_std", "lower", "upper"} & set(file)
