"""Weights of the data: by their formulas, bounded however small the noise, and what the guided estimate then is."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.diffusion import (
    VE,
    Context,
    Converged,
    DiffPIRWeight,
    HalfQuadratic,
    Karras,
    PosteriorVariance,
    Problem,
    Proximal,
    Sampler,
    SplittingWeight,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.testing import dense

NOISES = st.sampled_from([0.0, 1e-300, 1e-12]) | st.floats(1e-6, 10)
WEIGHTS = {
    "DiffPIR": (DiffPIRWeight(2.0), lambda sigma, s: sigma**2 / (2 * s**2)),
    "splitting": (SplittingWeight(0.1), lambda sigma, s: sigma**2 / max(s, 0.1 * sigma) ** 2),
    "variance": (
        PosteriorVariance(0.3, 0.01, 0.2),
        lambda sigma, s: (
            1 / max(s * (1 / sigma**2 + 1 / 0.09) ** 0.5, 0.01 * (1 / sigma**2 + 1 / 0.09) ** 0.5, 0.2) ** 2
        ),
    ),
}


def bound(small, name: str, noise_std: float, scale: float = 1.0) -> Context:
    sampler = Sampler(VE(), Karras(3, 2.0, 0.05), [HalfQuadratic()], TwoChannel())
    problem = small.problem(name, noise_std=1.0)
    made = Problem(scale * problem.operator, scale * problem.y, scale * noise_std, scale=1.0)
    return sampler.bind(made, small.prior(2)).run()


@pytest.mark.parametrize("name", WEIGHTS)
@given(sigma=st.floats(0.01, 10), noise_std=st.floats(0.001, 10))
def test_weights_follow_their_formulas(small, name: str, sigma: float, noise_std: float) -> None:
    weight, formula = WEIGHTS[name]
    assert weight(sigma, bound(small, "sense", noise_std)) == pytest.approx(formula(sigma, noise_std))


@pytest.mark.parametrize("name", WEIGHTS)
def test_those_of_another_noise_or_level_are_noticed(small, name: str) -> None:
    weight, formula = WEIGHTS[name]
    found = weight(0.3, bound(small, "sense", 0.1))
    assert found != pytest.approx(formula(0.3, 0.2))
    assert found != pytest.approx(formula(0.4, 0.1))


def test_without_noise_the_weight_is_infinite_unless_it_is_held_back(small) -> None:
    at = bound(small, "sense", 0.0)
    assert DiffPIRWeight()(0.3, at) == SplittingWeight(0.0)(0.3, at) == math.inf
    assert SplittingWeight(0.1)(0.3, at) == pytest.approx(100)
    assert PosteriorVariance(held_back=0.2)(0.3, at) == pytest.approx(25)


def check_condition(context: Context, weight: SplittingWeight, sigma: float) -> None:
    matrix = dense(context.operator)
    precision = torch.eye(matrix.shape[1], dtype=torch.float64) + weight(sigma, context) * matrix.T @ matrix
    assert float(torch.linalg.cond(precision)) <= (1 + 1 / weight.held_back**2) * (1 + 1e-9)


@pytest.mark.parametrize("name", ["fourier", "sense", "inpainting", "denoising"])
@given(
    sigma=st.floats(0.001, 100), noise_std=NOISES, scale=st.sampled_from([1e-9, 0.3, 1.0, 1e9]),
    held_back=st.floats(0.01, 1),
)  # fmt: skip
@settings(max_examples=20)
def test_the_condition_number_is_bounded_however_small_the_noise(
    small, name: str, sigma: float, noise_std: float, scale: float, held_back: float
) -> None:
    check_condition(bound(small, name, noise_std, scale), SplittingWeight(held_back), sigma)


def test_of_an_operator_of_a_larger_norm_it_is_not(small) -> None:
    at = bound(small, "fourier", 0.0)
    with pytest.raises(AssertionError):
        check_condition(small.rebound(at, operator=1.1 * at.operator), SplittingWeight(0.1), 1.0)


def check_guided(small, name: str, noise_std: float, sigma_factor: float = 1.0) -> None:
    """argmin_v gamma |y - A v|^2 + |v - x_0|^2 by dense matrices."""
    context, weight = bound(small, name, noise_std), SplittingWeight(0.1)
    guided = small.rebound(context, guidance=Proximal(weight, Converged(1e-10), "estimate"))
    x = small.normal((1, 4, 4), torch.complex128)
    mean = context.denoise(x, 1)
    matrix, gamma = dense(context.operator), weight(sigma_factor * context.levels.sigma(1), context)
    y = torch.view_as_real(context.y).flatten()
    precision = torch.eye(32, dtype=torch.float64) + gamma * matrix.T @ matrix
    expected = torch.linalg.solve(precision, torch.view_as_real(mean).flatten() + gamma * matrix.T @ y)
    estimate = guided.estimate(x, 1)
    torch.testing.assert_close(torch.view_as_real(estimate.mean).flatten(), expected, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(estimate.mean + context.levels.sigma(1) * estimate.noise, x)


@pytest.mark.parametrize("name", ["fourier", "sense", "inpainting", "denoising"])
@pytest.mark.parametrize("noise_std", [0.0, 1e-12, 0.05, 3.0])
def test_the_guided_estimate_is_the_dense_one(small, name: str, noise_std: float) -> None:
    check_guided(small, name, noise_std)


def test_that_of_another_level_is_noticed(small) -> None:
    with pytest.raises(AssertionError):
        check_guided(small, "sense", 0.05, 1.5)


@pytest.mark.parametrize("held_back", [-0.1, math.nan, math.inf])
def test_weights_that_are_held_back_by_no_part_are_refused(held_back: float) -> None:
    with pytest.raises(InputError, match="held_back is the least noise"):
        SplittingWeight(held_back)
    with pytest.raises(InputError, match="held_back is the least noise"):
        PosteriorVariance(held_back=held_back)
