"""The rules of Song & Ermon 2020 against the configurations that they released, and against simulations."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from torch import Tensor

from invdiff.diffusion import (
    VE,
    AnnealedLangevin,
    Context,
    Geometric,
    NextLevel,
    Problem,
    RealImage,
    Sampler,
    Start,
    State,
    largest_sigma,
    level_ratio,
    number_of_levels,
    step_size,
    variance_ratio,
)
from invdiff.errors import InputError
from invdiff.operators import denoising
from invdiff.priors import GaussianPrior

# sigma_1, levels, real dimension, epsilon, inner steps; sigma_L = 0.01
RELEASED = {
    "cifar10": (50.0, 232, 32 * 32 * 3, 6.2e-6, 5),
    "celeba": (90.0, 500, 64 * 64 * 3, 3.3e-6, 5),
    "church": (140.0, 788, 96 * 96 * 3, 4.9e-6, 4),
    "tower": (190.0, 1086, 128 * 128 * 3, 1.8e-6, 3),
    "ffhq": (348.0, 2311, 256 * 256 * 3, 0.9e-6, 3),
}
every_released = pytest.mark.parametrize("name", RELEASED)


def overlap(dimension: int, g: float) -> float:
    """How much of a level's noise, r ~ N(0, sigma^2 / 2) about sqrt(d) sigma, lies within three deviations of the next
    level's radius."""
    s = math.sqrt(2 * dimension)
    return norm.cdf(s * (g - 1) + 3 * g) - norm.cdf(s * (g - 1) - 3 * g)


def released_ratio(name: str) -> float:
    largest, levels, *_ = RELEASED[name]
    return (largest / 0.01) ** (1 / (levels - 1))


# Technique 1


def distances(images: Tensor) -> Tensor:
    rows = images.reshape(len(images), -1)
    return (rows[:, None] - rows).abs().square().sum(-1).sqrt()


@settings(max_examples=25)
@given(seed=st.integers(0, 99), count=st.integers(2, 9), together=st.integers(1, 10), is_complex=st.booleans())
def test_the_largest_sigma_is_the_largest_distance(
    small, seed: int, count: int, together: int, is_complex: bool
) -> None:
    images = small.normal((count, 2, 3), torch.complex128 if is_complex else torch.float64, seed)
    assert largest_sigma(images, together) == pytest.approx(float(distances(images).max()), rel=1e-9)


def test_two_images_that_are_far_apart_are_found_in_any_chunks(small) -> None:
    images = small.normal((8, 2, 3), torch.float64)
    images[1] += 50
    images[6] -= 50
    expected = float(distances(images)[1, 6])
    assert {round(largest_sigma(images, n), 9) for n in range(1, 9)} == {round(expected, 9)}
    within = max(largest_sigma(images[:4]), largest_sigma(images[4:]))  # what pairs of one chunk alone would give
    assert within < 0.9 * expected


def test_images_far_from_zero_keep_their_digits(small) -> None:
    near = small.normal((40, 8, 8), torch.float32)
    assert largest_sigma(1000 + near) == pytest.approx(float(distances(near.double()).max()), rel=1e-4)


# Technique 2


@every_released
def test_the_released_levels_overlap_a_little_more_than_half(name: str) -> None:
    largest, levels, dimension, *_ = RELEASED[name]
    assert overlap(dimension, released_ratio(name)) == pytest.approx(0.567, abs=1e-3)
    assert level_ratio(dimension) > released_ratio(name)
    assert number_of_levels(largest, 0.01, dimension) == pytest.approx(levels, rel=0.06)
    assert number_of_levels(largest, 0.01, dimension) < levels


@given(dimension=st.integers(5, 10**7))
def test_levels_overlap_by_half(dimension: int) -> None:
    assert overlap(dimension, level_ratio(dimension)) == pytest.approx(0.5, abs=1e-6)


def test_the_overlap_is_that_of_radii() -> None:
    """Drawn: the radius of noise of the larger level, against three deviations about the smaller's."""
    rng, dimension = np.random.default_rng(0), 400
    radii = level_ratio(dimension) * np.linalg.norm(rng.standard_normal((20_000, dimension)), axis=1)
    inside = abs(radii - math.sqrt(dimension)) < 3 * level_ratio(dimension) / math.sqrt(2)
    assert inside.mean() == pytest.approx(0.5, abs=0.02)


@settings(max_examples=30)
@given(dimension=st.integers(5, 10**6), sigma_min=st.floats(1e-3, 1), span=st.floats(1.01, 1e5))
def test_the_levels_are_the_fewest_that_overlap(dimension: int, sigma_min: float, span: float) -> None:
    steps = number_of_levels(span * sigma_min, sigma_min, dimension) - 1
    assert steps * math.log(level_ratio(dimension)) >= math.log(span) * (1 - 1e-9)
    assert (steps - 1) * math.log(level_ratio(dimension)) < math.log(span)


# Technique 4


@every_released
def test_released_step_sizes_keep_a_level_s_variance(name: str) -> None:
    *_, epsilon, inner_steps = RELEASED[name]
    assert 1.005 < variance_ratio(epsilon, 0.01, released_ratio(name), inner_steps) < 1.06


@pytest.mark.parametrize("name", sorted(RELEASED.keys() - {"church"}))
def test_released_step_sizes_are_the_best_ones(name: str) -> None:
    *_, epsilon, inner_steps = RELEASED[name]
    assert step_size(0.01, released_ratio(name), inner_steps) == pytest.approx(epsilon, rel=0.02)


def test_the_step_size_of_jalal_is_too_long() -> None:
    """Jalal 2021 released 5e-5 for 2,311 levels from 232 to 0.0066, three steps each."""
    ratio = (232 / 0.0066) ** (1 / 2310)
    assert variance_ratio(5e-5, 0.0066, ratio, 3) == pytest.approx(2.35, abs=0.005)
    assert step_size(0.0066, ratio, 3) < 5e-5 / 10


@settings(max_examples=50)
@given(ratio=st.floats(1.0005, 20), inner_steps=st.integers(1, 30), sigma_min=st.floats(1e-3, 10))
def test_no_other_step_size_is_nearer_to_one(ratio: float, inner_steps: int, sigma_min: float) -> None:
    chosen = step_size(sigma_min, ratio, inner_steps)
    best = abs(variance_ratio(chosen, sigma_min, ratio, inner_steps) - 1)
    others = [e * sigma_min**2 for e in np.geomspace(1e-6, 1.99, 400)]
    assert all(best <= abs(variance_ratio(e, sigma_min, ratio, inner_steps) - 1) * (1 + 1e-6) for e in others)
    assert best < abs(variance_ratio(1.5 * chosen, sigma_min, ratio, inner_steps) - 1)


class FromLevelBefore(Start):
    """Noise wider than the first level's, as the level before leaves it."""

    def __call__(self, blank: Tensor, context: Context) -> State:
        return State(3 * context.levels.beta[0] * context.noise.like(blank), 0)


@pytest.mark.parametrize("epsilon", [0.002, 0.004, 0.015])
def test_the_variance_is_that_of_the_steps_that_the_library_makes(affine_map, epsilon: float) -> None:
    """Of images that are all zero, with snr = sqrt(epsilon / 2) / sigma_min."""
    langevin = AnnealedLangevin(math.sqrt(epsilon / 2) / 0.1, steps=4)
    grid = Geometric(1, sigma_max=0.1)
    sampler = Sampler(VE(0.1, 1.0), grid, [langevin, NextLevel()], RealImage(), start=FromLevelBefore())
    nothing = GaussianPrior(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    problem = Problem(denoising((1, 1)), torch.ones(1, 1, dtype=torch.float64))
    _, root = affine_map(sampler, problem, nothing)
    made = float(np.square(root).sum()) / 0.1**2
    assert made == pytest.approx(variance_ratio(epsilon, 0.1, 3.0, 4), rel=1e-9)
    wrong = [(epsilon / 2, 3.0, 4), (epsilon, 9.0, 4), (epsilon, 3.0, 3)]
    assert all(made != pytest.approx(variance_ratio(e, 0.1, g, n), rel=1e-4) for e, g, n in wrong)


# Refusals


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: largest_sigma(torch.ones(1, 4)), "at least two that differ"),
        (lambda: largest_sigma(torch.ones(3, 4)), "at least two that differ"),
        (lambda: largest_sigma(torch.tensor([[1.0], [math.nan]])), "without NaN or infinity"),
        (lambda: largest_sigma(torch.tensor([[1.0], [math.inf]])), "without NaN or infinity"),
        (lambda: largest_sigma(torch.rand(3, 4), 0), "got together=0"),
        (lambda: level_ratio(4), "in 4 dimension"),
        (lambda: level_ratio(-1), "at least 5"),
        (lambda: number_of_levels(1.0, 2.0, 100), "0 < sigma_min < sigma_max"),
        (lambda: number_of_levels(math.nan, 2.0, 100), "0 < sigma_min < sigma_max"),
        (lambda: number_of_levels(3.0, 2.0, 1), "at least 5"),
        (lambda: variance_ratio(0.0, 1.0, 2.0, 3), "between 0 and 2 sigma_min"),
        (lambda: variance_ratio(2.0, 1.0, 2.0, 3), "between 0 and 2 sigma_min"),
        (lambda: variance_ratio(math.nan, 1.0, 2.0, 3), "between 0 and 2 sigma_min"),
        (lambda: variance_ratio(0.1, 1.0, 1.0, 3), "ratio > 1"),
        (lambda: step_size(0.0, 2.0, 3), "sigma_min > 0"),
        (lambda: step_size(1.0, 0.5, 3), "ratio > 1"),
        (lambda: step_size(1.0, 2.0, 0), "inner_steps >= 1"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
