"""Moment matching with the diagonal of row sums: by dense matrices, and exact where pixels are independent."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    SDE,
    VE,
    VP,
    Context,
    Converged,
    Geometric,
    MomentMatching,
    RealImage,
    RowSumCovariance,
    Sampler,
    Signal,
    SplitComplex,
    SubVP,
    TweedieCovariance,
    TwoChannel,
)
from invdiff.priors import GaussianPrior
from invdiff.testing import dense

NOISE_STD, SAMPLES, K = 0.2, 2, 1
ROW_SUMS = MomentMatching(Converged(1e-13, 500), covariance=RowSumCovariance())
SDES: dict[str, SDE] = {"VE": VE(0.1, 4), "VP": VP(), "sub-VP": SubVP()}
SETTINGS: list[tuple[str, Signal]] = [
    ("fourier", TwoChannel()),
    ("fourier", RealImage()),
    ("sense", SplitComplex()),
    ("inpainting", TwoChannel()),
]
every_setting = pytest.mark.parametrize(("name", "signal"), SETTINGS, ids=str)


def independent(small, signal: Signal, seed: int) -> GaussianPrior:
    """Pixels of standard deviations from 0.1 to 1."""
    shape = (signal.channels, small.side, small.side)
    generator = torch.Generator().manual_seed(seed)
    deviations = 0.1 + 0.9 * torch.rand(shape, dtype=torch.float64, generator=generator)
    return GaussianPrior(small.normal(shape, torch.float64, seed + 1), deviations**2)


def bound(small, guidance: MomentMatching, name: str, signal: Signal, sde: str, prior: GaussianPrior) -> Context:
    sampler = Sampler(SDES[sde], Geometric(4, 4.0, 0.1), [DDIM()], signal, guidance=guidance)
    return sampler.bind(replace(small.problem(name), noise_std=NOISE_STD), prior).run(range(SAMPLES))


def state(small, signal: Signal, seed: int) -> Tensor:
    return small.normal((SAMPLES, 4, 4), torch.complex128 if signal.is_complex else torch.float64, seed)


def numbers(x: Tensor) -> Tensor:
    """Real coordinates, a row a sample."""
    return (torch.view_as_real(x) if x.is_complex() else x).reshape(len(x), -1)


def agree(made: Tensor, expected: Tensor, rtol: float = 1e-8) -> bool:
    return torch.allclose(made, expected, rtol=rtol, atol=rtol * float(expected.abs().max()))


def derivative(context: Context, x: Tensor) -> Tensor:
    """J of one sample, on real coordinates."""

    def estimate(v: Tensor) -> Tensor:
        image = torch.view_as_complex(v.reshape(*x.shape[1:], 2)) if x.is_complex() else v.reshape(x.shape[1:])
        return numbers(context.denoise(image[None].expand(SAMPLES, -1, -1), K))[0]

    return torch.autograd.functional.jacobian(estimate, numbers(x)[0])


def by_hand(context: Context, x: Tensor, *, clamped: bool = True) -> Tensor:
    """x_0 + (beta^2 / alpha) J^T A^T (A C A^T + s^2)^-1 (y - A x_0), C the diagonal of sums, of the first sample."""
    alpha, beta = context.levels.alpha[K], context.levels.beta[K]
    A, J = dense(context.operator, x.dtype), derivative(context, x)
    sums = beta**2 / alpha * J.sum(0)
    C = torch.diag(sums.clamp(min=0) if clamped else sums)
    mean = numbers(context.denoise(x, K))[0]
    residual = numbers(context.y[None])[0] - A @ mean
    return mean + beta**2 / alpha * J.T @ A.T @ torch.linalg.solve(
        A @ C @ A.T + NOISE_STD**2 * torch.eye(len(A)), residual
    )


@pytest.mark.parametrize("sde", SDES)
@every_setting
@given(seed=st.integers(0, 2**16))
def test_it_is_the_whole_covariance_where_pixels_are_independent(
    small, name: str, signal: Signal, sde: str, seed: int
) -> None:
    """Which is exact there, as the tests of moment matching show."""
    x, made = state(small, signal, seed), {}
    for covariance in (RowSumCovariance(), TweedieCovariance()):
        context = bound(
            small, replace(ROW_SUMS, covariance=covariance), name, signal, sde, independent(small, signal, seed)
        )
        made[covariance] = context.estimate(x, K).mean
        assert context.denoiser.calls == SAMPLES
    assert agree(made[RowSumCovariance()], made[TweedieCovariance()], 1e-7)


@every_setting
def test_the_estimate_is_that_of_dense_matrices(small, name: str, signal: Signal) -> None:
    """Where pixels depend on each other, and it is not what the whole covariance makes."""
    prior, x = small.prior(signal.channels), state(small, signal, 4)
    context = bound(small, ROW_SUMS, name, signal, "VP", prior)
    made = numbers(context.estimate(x, K).mean)[0]
    assert agree(made, by_hand(context, x), 1e-7)
    whole = small.rebound(context, guidance=replace(ROW_SUMS, covariance=TweedieCovariance()))
    assert not agree(made, numbers(whole.estimate(x, K).mean)[0], 1e-3)


def test_a_sum_below_zero_is_no_variance(small) -> None:
    """One pixel's neighbours outweigh it; with their sum as it is the system would not even be positive."""
    covariance = torch.eye(16, dtype=torch.float64)
    covariance[0, 1:5] = covariance[1:5, 0] = -0.45
    prior, x = GaussianPrior(torch.zeros(1, 4, 4, dtype=torch.float64), covariance), state(small, SplitComplex(), 4)
    context = bound(small, ROW_SUMS, "denoising", SplitComplex(), "VE", prior)
    assert (context.levels.sigma(K) ** 2 * derivative(context, x).sum(0) < -(NOISE_STD**2)).any()
    made = numbers(context.estimate(x, K).mean)[0]
    assert agree(made, by_hand(context, x), 1e-7)
    assert not agree(made, by_hand(context, x, clamped=False), 1e-3)


def test_it_goes_back_through_the_network_twice(small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the linear system takes."""
    gone, grad = [], torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *given, **also: (gone.append(1), grad(*given, **also))[1])
    context = bound(small, ROW_SUMS, "sense", TwoChannel(), "VP", small.prior(2))
    context.estimate(state(small, TwoChannel(), 4), K)
    assert context.trace.solves[-1].iterations > 2
    assert len(gone) == 2
