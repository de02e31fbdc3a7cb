"""Intervals of few samples in an exact Gaussian world."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from invdiff.errors import InputError
from invdiff.reconstruction import Student

TRIALS = 20_000


def world(samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples (K, trials), the mean that they scatter about, and the number that scatters about it as they do."""
    rng = np.random.default_rng(seed)
    mean, std = 10 * rng.standard_normal(TRIALS), np.exp(rng.standard_normal(TRIALS))
    drawn, truth = rng.standard_normal((samples, TRIALS)), rng.standard_normal(TRIALS)
    return mean + std * drawn, mean, mean + std * truth


def known(samples: int, is_centre_known: bool) -> tuple[Student, np.ndarray]:
    drawn, mean, truth = world(samples)
    drawn = drawn - drawn.mean(axis=0) + mean if is_centre_known else drawn
    return Student.of(drawn, is_centre_known=is_centre_known), truth


def held(lower: np.ndarray, upper: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((lower <= truth) & (truth <= upper)))


def by_chance(level: float) -> float:
    """Four standard deviations of the part of all trials that is held."""
    return 4 * np.sqrt(level * (1 - level) / TRIALS)


@pytest.mark.parametrize("is_centre_known", [True, False])
@pytest.mark.parametrize("samples", [2, 4, 16])
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_hold_what_they_say(samples: int, level: float, is_centre_known: bool) -> None:
    found, truth = known(samples, is_centre_known)
    assert held(*found.interval(level), truth) == pytest.approx(level, abs=by_chance(level))


@pytest.mark.parametrize("is_centre_known", [True, False])
def test_probabilities_are_those_of_what_comes(is_centre_known: bool) -> None:
    """Where the truth is moved to zero, the probability to be above it is uniform."""
    found, truth = known(4, is_centre_known)
    moved = Student(found.centre - truth, found.scale, found.degrees)
    assert stats.kstest(moved.probability_above_zero, "uniform").statistic < 1.6 / np.sqrt(TRIALS)


def test_a_gaussian_quantile_of_four_samples_holds_too_little() -> None:
    found, truth = known(4, False)
    half = found.scale * stats.norm.ppf(0.95)
    assert held(found.centre - half, found.centre + half, truth) < 0.9 - 10 * by_chance(0.9)


def test_a_centre_that_is_only_the_samples_mean_makes_them_wider() -> None:
    drawn, _, truth = world(4)
    found = Student.of(drawn, is_centre_known=True)
    assert held(*found.interval(0.9), truth) < 0.9 - 2 * by_chance(0.9)


def test_the_ends_of_four_samples_hold_less_than_ninety_per_cent() -> None:
    drawn, _, truth = world(4)
    assert held(drawn.min(axis=0), drawn.max(axis=0), truth) == pytest.approx(3 / 5, abs=by_chance(0.6))


@given(st.integers(2, 8), st.integers(0, 2**32 - 1), st.floats(0.01, 0.99), st.booleans())
def test_levels_and_probabilities_are_of_one_distribution(samples: int, seed: int, level: float, known: bool) -> None:
    drawn = np.random.default_rng(seed).standard_normal((samples, 3)) + 1
    found = Student.of(drawn, is_centre_known=known)
    lower, upper = found.interval(level)
    at_end = Student(found.centre - lower, found.scale, found.degrees)
    np.testing.assert_allclose(at_end.probability_above_zero, (1 + level) / 2, rtol=1e-6)
    np.testing.assert_allclose((lower + upper) / 2, found.centre, atol=1e-9)
    floor, _ = found.interval(level, least=0.0)
    np.testing.assert_array_equal(floor, np.maximum(lower, 0))


def test_samples_that_do_not_differ() -> None:
    found = Student.of(np.array([[2.0, 0.0, -1.0]] * 3), is_centre_known=False)
    np.testing.assert_array_equal(found.probability_above_zero, [1.0, 0.5, 0.0])
    np.testing.assert_array_equal(found.interval(0.9)[0], found.centre)


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"1 sample.* draw two or more"):
        Student.of(np.ones((1, 3)), is_centre_known=False)
    for level in (0.0, 1.0, -1.0, np.nan):
        with pytest.raises(InputError, match="within 0 and 1"):
            Student.of(np.ones((2, 3)), is_centre_known=False).interval(level)
