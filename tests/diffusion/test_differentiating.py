"""Guidance that differentiates: by dense matrices and by autograd of the papers' own formulas, at one network call."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    DPS,
    SDE,
    VE,
    VP,
    Ancestral,
    Context,
    Converged,
    Geometric,
    Guidance,
    Karras,
    MagnitudePhase,
    MomentMatching,
    PiGDM,
    PosteriorVariance,
    RealImage,
    Sampler,
    Signal,
    SplitComplex,
    State,
    SubVP,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.priors import GaussianPrior
from invdiff.testing import dense

NOISE_STD, DATA_STD, SAMPLES, K = 0.2, 0.6, 2, 1
EXACTLY = Converged(1e-13, 500)
SDES: dict[str, SDE] = {"VE": VE(0.1, 4), "VP": VP(), "sub-VP": SubVP()}
SETTINGS: list[tuple[str, Signal]] = [
    ("fourier", TwoChannel()),
    ("fourier", RealImage()),
    ("sense", SplitComplex()),
    ("inpainting", TwoChannel()),
]
every_sde = pytest.mark.parametrize("sde", SDES)
every_setting = pytest.mark.parametrize(("name", "signal"), SETTINGS, ids=str)


def white(small, signal: Signal) -> GaussianPrior:
    shape = (signal.channels, small.side, small.side)
    return GaussianPrior(small.normal(shape, torch.float64, 8), torch.full(shape, DATA_STD**2, dtype=torch.float64))


def bound(small, guidance: Guidance | None, name: str, signal: Signal, sde: str, prior: GaussianPrior) -> Context:
    sampler = Sampler(SDES[sde], Geometric(4, 4.0, 0.1), [DDIM()], signal, guidance=guidance)
    return sampler.bind(replace(small.problem(name), noise_std=NOISE_STD), prior).run(range(SAMPLES))


def state(small, signal: Signal) -> Tensor:
    return small.normal((SAMPLES, 4, 4), torch.complex128 if signal.is_complex else torch.float64, 4)


def numbers(x: Tensor) -> Tensor:
    """Real coordinates, a row a sample."""
    return (torch.view_as_real(x) if x.is_complex() else x).reshape(len(x), -1)


def posterior_mean(context: Context, x: Tensor, prior: GaussianPrior, signal: Signal, noise_std: float) -> Tensor:
    """E[x_0 | x, y] of a Gaussian prior, by dense matrices, on real coordinates."""
    kind = torch.complex128 if signal.is_complex else torch.float64
    A, sigma = dense(context.operator, kind), context.levels.sigma(K)
    size = A.shape[1]
    covariance, mean = prior.covariance, prior.mean.flatten()
    if isinstance(signal, SplitComplex):
        covariance, mean = torch.block_diag(covariance, covariance), torch.cat([mean, mean])
    parts = 2 if signal.is_complex else 1
    order = torch.arange(size).reshape(parts, -1).T.flatten()  # from (part, pixel) to (pixel, part)
    covariance, mean = covariance[order][:, order], mean[order]
    precision = torch.linalg.inv(covariance) + torch.eye(size) / sigma**2 + A.T @ A / noise_std**2
    u = numbers(x / context.levels.alpha[K])
    right = torch.linalg.solve(covariance, mean) + u / sigma**2 + numbers(context.y[None]) @ A / noise_std**2
    return torch.linalg.solve(precision, right.T).T


def agree(made: Tensor, expected: Tensor, rtol: float = 1e-8) -> bool:
    return torch.allclose(made, expected, rtol=rtol, atol=rtol * float(expected.abs().max()))


# Moment matching


@every_sde
@every_setting
def test_moment_matching_is_exact_where_the_prior_is_gaussian(small, name: str, signal: Signal, sde: str) -> None:
    prior, x = small.prior(signal.channels), state(small, signal)
    prior = GaussianPrior(prior.mean, prior.covariance + 0.05 * torch.eye(len(prior.covariance)))
    context = bound(small, MomentMatching(EXACTLY), name, signal, sde, prior)
    guided = context.estimate(x, K)
    assert context.denoiser.calls == SAMPLES
    expected = posterior_mean(context, x, prior, signal, NOISE_STD)
    assert agree(numbers(guided.mean), expected)
    assert not agree(numbers(guided.mean), posterior_mean(context, x, prior, signal, 1.1 * NOISE_STD), 1e-3)
    alpha, beta = context.levels.alpha[K], context.levels.beta[K]
    assert agree(alpha * guided.mean + beta * guided.noise, x)
    early = small.rebound(context, guidance=MomentMatching())
    assert not agree(numbers(early.estimate(x, K).mean), expected, 1e-6)


@given(held_back=st.floats(0.01, 2))
def test_noise_is_held_back_in_units_of_the_level(small, held_back: float) -> None:
    signal = TwoChannel()
    prior, x = white(small, signal), state(small, signal)
    context = bound(small, MomentMatching(EXACTLY, held_back), "sense", signal, "VP", prior)
    noise_std = max(NOISE_STD, held_back * context.levels.sigma(K))
    assert agree(numbers(context.estimate(x, K).mean), posterior_mean(context, x, prior, signal, noise_std), 1e-6)


# PiGDM


@every_sde
@every_setting
def test_pigdm_is_exact_where_the_prior_is_white(small, name: str, signal: Signal, sde: str) -> None:
    """Of variance s^2 its posterior given x is N(x_0, r^2), as PiGDM takes any to be."""
    prior, x = white(small, signal), state(small, signal)
    guidance = PiGDM(PosteriorVariance(DATA_STD, held_back=0.0), EXACTLY)
    context = bound(small, guidance, name, signal, sde, prior)
    guided = context.estimate(x, K)
    assert context.denoiser.calls == SAMPLES
    expected = posterior_mean(context, x, prior, signal, NOISE_STD)
    assert agree(numbers(guided.mean), expected)
    for wrong in (PosteriorVariance(1.1 * DATA_STD, held_back=0.0), PosteriorVariance(DATA_STD, held_back=2.0)):
        other = small.rebound(context, guidance=replace(guidance, variance=wrong))
        assert not agree(numbers(other.estimate(x, K).mean), expected, 1e-3)


@every_sde
@every_setting
def test_pigdm_applies_the_derivative(small, name: str, signal: Signal, sde: str) -> None:
    """The gradient of v^H x_0 at x, with v by dense matrices in the data's space."""
    prior, x = small.prior(signal.channels), state(small, signal)
    context = bound(small, PiGDM(PosteriorVariance(DATA_STD, held_back=0.0), EXACTLY), name, signal, sde, prior)
    alpha, beta, sigma = context.levels.alpha[K], context.levels.beta[K], context.levels.sigma(K)
    kind = torch.complex128 if signal.is_complex else torch.float64
    A, r2 = dense(context.operator, kind), sigma**2 * DATA_STD**2 / (sigma**2 + DATA_STD**2)
    asked = x.clone().requires_grad_()
    mean = context.denoise(asked, K)
    residual = numbers(context.y[None]) - numbers(mean.detach()) @ A.T
    v = torch.linalg.solve(r2 * A @ A.T + NOISE_STD**2 * torch.eye(len(A)), residual.T).T @ A
    (g,) = torch.autograd.grad((numbers(mean) * v).sum(), asked)
    made = context.estimate(x, K).mean
    assert agree(made, mean.detach() + beta**2 / alpha * g, 1e-7)
    assert not agree(made, mean.detach() - beta**2 / alpha * g, 1e-3)
    assert not agree(made, mean.detach() + beta**2 * r2 / alpha * g, 1e-3)


# DPS


@every_sde
@every_setting
def test_dps_moves_as_its_algorithm_says(small, name: str, signal: Signal, sde: str) -> None:
    """x' - zeta grad ||y - A x_0(x)||, x' the ancestral move of the prior, by autograd through the operator."""
    prior, x, zeta = small.prior(signal.channels), state(small, signal), 0.7
    context = bound(small, DPS(zeta), name, signal, sde, prior)
    alone = small.rebound(context, guidance=None)
    moved = []
    for run in (context, alone):
        run.noise.rewind(K + 1)
        moved.append(Ancestral()(State(x, K), run).x)
    asked = x.clone().requires_grad_()
    residual = context.y - context.operator(context.denoise(asked, K))
    (gradient,) = torch.autograd.grad(numbers(residual).square().sum(1).sqrt().sum(), asked)
    assert agree(moved[0], moved[1] - zeta * gradient)
    assert not agree(moved[0], moved[1] + zeta * gradient, 1e-3)
    squared = numbers(residual.detach()).square().sum(1).sqrt().reshape(-1, 1, 1)
    assert not agree(moved[0], moved[1] - 2 * zeta * squared * gradient, 1e-3)


def test_data_that_are_met_do_not_pull(small) -> None:
    """No NaN where the residual has no length; and none where two levels are equal."""
    signal, prior = TwoChannel(), white(small, TwoChannel())
    context = bound(small, DPS(1.0), "denoising", signal, "VE", prior)
    x = state(small, signal)
    mean = context.unguided(x, K).mean
    met = small.rebound(context, y=mean[0])
    guided = met.estimate(x, K).mean
    assert agree(guided[0], mean[0])
    assert not agree(guided[1], mean[1], 1e-6)
    equal = Sampler(VE(), Karras(3, 0.3, 0.3), [Ancestral()], signal, guidance=DPS(1.0))
    assert equal(small.problem("sense"), prior).samples.isfinite().all()


# Refusals

ALL: list[Guidance] = [DPS(), PiGDM(), MomentMatching()]


@pytest.mark.parametrize("guidance", ALL, ids=lambda guidance: type(guidance).__name__)
def test_states_without_a_density_are_refused(small, guidance: Guidance) -> None:
    sampler = Sampler(VE(), Geometric(3), [DDIM()], MagnitudePhase(), guidance=guidance)
    with pytest.raises(InputError, match=f"{type(guidance).__name__} needs a signal whose states have a density"):
        sampler.bind(small.problem("fourier"), small.prior(1))


@pytest.mark.parametrize("guidance", ALL, ids=lambda guidance: type(guidance).__name__)
def test_samples_do_not_depend_on_their_neighbours(small, guidance: Guidance) -> None:
    x, made = state(small, TwoChannel()), []
    for factor in (1, 30):
        context = bound(small, guidance, "sense", TwoChannel(), "VP", small.prior(2))
        changed = x.clone()
        changed[1] *= factor
        made.append(context.estimate(changed, K).mean)
    torch.testing.assert_close(made[0][0], made[1][0], rtol=1e-9, atol=1e-9)
    assert not agree(made[0][1], made[1][1], 1e-3)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_numbers_that_make_no_sense_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="zeta is the length"):
        DPS(value)
    with pytest.raises(InputError, match="held_back is the least noise"):
        MomentMatching(held_back=value)
