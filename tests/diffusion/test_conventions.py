"""The identities that papers and code share: Tweedie, noise of complex numbers, data consistency in its three forms."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    SDE,
    VE,
    VP,
    Context,
    Converged,
    Geometric,
    GradientConsistency,
    NoiseStream,
    Problem,
    ProjectionConsistency,
    Proximal,
    RealImage,
    ReverseDiffusion,
    Sampler,
    Signal,
    SplitComplex,
    State,
    SubVP,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, fourier, sense

CPU = torch.device("cpu")
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


class Fixed:
    """One array as noise, whatever is asked."""

    samples = range(1)

    def __init__(self, noise: Tensor) -> None:
        self.noise = noise

    def like(self, x: Tensor) -> Tensor:
        return self.noise.expand(x.shape)


VE_SDE, COMPLEX = VE(0.1, 4), TwoChannel()


def bound(small, operator: LinearOperator, y: Tensor, signal: Signal = COMPLEX, sde: SDE = VE_SDE) -> Context:
    sampler = Sampler(sde, Geometric(5), [ReverseDiffusion()], signal)
    return sampler.bind(Problem(operator, y), small.prior(signal.channels)).run()


# Estimates


@pytest.mark.parametrize("sde", [VE(0.1, 4), VP(), SubVP()], ids=repr)
@pytest.mark.parametrize("signal", [RealImage(), SplitComplex(), TwoChannel()], ids=repr)
@pytest.mark.parametrize("guidance", [None, Proximal(0.7, Converged(1e-12))], ids=["alone", "guided"])
@settings(max_examples=25)
@given(k=st.integers(0, 4), seed=st.integers(0, 99))
def test_tweedie(small, sde: SDE, signal, guidance, k: int, seed: int) -> None:
    """x_0 = (x + beta^2 s) / alpha, and the noise is -beta s unless guidance keeps the network's."""
    kind = torch.complex128 if signal.is_complex else torch.float64
    problem = small.problem("fourier", kind)
    sampler = Sampler(sde, Geometric(5), [ReverseDiffusion()], signal, guidance=guidance)
    context = sampler.bind(problem, small.prior(signal.channels)).run()
    alpha, beta = context.levels.alpha[k], context.levels.beta[k]
    x = small.normal((2, 4, 4), kind, seed)
    estimate, score = context.estimate(x, k), context.score(x, k)
    torch.testing.assert_close(estimate.mean, (x + beta**2 * score) / alpha, rtol=1e-7, atol=1e-7)
    if guidance is None:
        torch.testing.assert_close(estimate.noise, -beta * score, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(alpha * estimate.mean + beta * estimate.noise, x, **CLOSE)
    else:
        assert not torch.allclose(estimate.noise, -beta * score, rtol=1e-3)


# Noise


def variances(noise: Tensor) -> Tensor:
    return torch.view_as_real(noise).square().mean((0, 1, 2)) if noise.is_complex() else noise.square().mean()


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.complex64, torch.complex128])
def test_noise_is_standard_normal_in_each_real_number(kind: torch.dtype) -> None:
    stream = NoiseStream(0, 0, range(8), CPU)
    stream.rewind(1)
    noise = stream.draw((64, 64), kind)
    assert noise.dtype == kind
    assert noise.shape == (8, 64, 64)
    assert torch.all((variances(noise) - 1).abs() < 5 * math.sqrt(2 / 8 / 64 / 64))
    if kind.is_complex:
        assert noise.abs().square().mean() == pytest.approx(2, abs=0.05)
        assert (noise.real * noise.imag).mean().abs() < 5 / math.sqrt(8 * 64 * 64)


def test_the_check_of_noise_rejects_torchs_complex_noise() -> None:
    noise = torch.randn(8, 64, 64, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    assert torch.all(variances(noise) < 0.55)


def test_noise_is_another_for_each_seed_case_sample_and_iteration() -> None:
    def drawn(seed: int, case: int, sample: int, iteration: int) -> tuple[float, ...]:
        stream = NoiseStream(seed, case, [sample], CPU)
        stream.rewind(iteration)
        return tuple(stream.draw((3,), torch.float64).flatten().tolist())

    words = [(a, b, c, d) for a in range(3) for b in range(3) for c in range(3) for d in range(3)]
    assert len({drawn(*word) for word in words}) == len(words)
    assert drawn(1, 2, 0, 1) == drawn(1, 2, 0, 1)


@pytest.mark.parametrize("words", [(-1, 0, [0]), (0, -1, [0]), (0, 0, [0, -2])])
def test_negative_seeds_are_refused(words: tuple[int, int, list[int]]) -> None:
    with pytest.raises(InputError, match="whole numbers from zero"):
        NoiseStream(*words, CPU)


@pytest.mark.parametrize("name", ["fourier", "sense", "inpainting"])
@pytest.mark.parametrize("kind", [torch.float64, torch.complex128])
@pytest.mark.parametrize("sde", [VE(0.1, 4), VP()], ids=repr)
def test_the_noise_of_the_target_is_a_times_the_states_noise(small, name: str, kind: torch.dtype, sde: SDE) -> None:
    """y_t = alpha y + beta A z with z of the state's kind: not white noise on the measurement."""
    signal = TwoChannel() if kind.is_complex else RealImage()
    problem = small.problem(name, kind)
    context = bound(small, problem.operator, problem.y, signal, sde)
    x, z, k = small.normal((1, 4, 4), kind, 5), small.normal((1, 4, 4), kind, 6), 1
    alpha, beta = context.levels.alpha[k], context.levels.beta[k]
    A = problem.operator
    target = alpha * problem.y + beta * A(z.to(problem.y.dtype))
    moved = A.H(target - A(x.to(target.dtype)))
    expected = x + 0.6 * (moved if kind.is_complex else moved.real)
    made = GradientConsistency(0.6, noised=True)(State(x, k), replace(context, noise=Fixed(z))).x
    torch.testing.assert_close(made, expected, **CLOSE)
    assert not torch.allclose(made, GradientConsistency(0.6)(State(x, k), context).x)


# Data consistency


@settings(max_examples=25)
@given(lam=st.floats(0, 1), k=st.integers(0, 4), seed=st.integers(0, 99))
@pytest.mark.parametrize("sde", [VE(0.1, 4), VP()], ids=repr)
def test_projection_is_songs_closed_form(small, sde: SDE, lam: float, k: int, seed: int) -> None:
    """Song 2021, eq. (7): T^-1 [lam Λ P(Λ)^-1 y_t + (1 - lam) Λ T x + (I - Λ) T x], on complex images."""
    A = small.operators["fourier"]
    mask = A.factors[0].mask.numpy()
    y = small.problem("fourier").y
    context = bound(small, A, y, sde=sde)
    x, z = (small.normal((1, 4, 4), torch.complex128, seed + i) for i in (0, 100))

    def T(image: np.ndarray) -> np.ndarray:
        return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image), norm="ortho"))

    def inverse(k_space: np.ndarray) -> np.ndarray:
        return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(k_space), norm="ortho"))

    kx, noised = T(x[0].numpy()), np.zeros((4, 4), complex)
    noised[mask] = context.levels.alpha[k] * y.numpy() + context.levels.beta[k] * T(z[0].numpy())[mask]
    expected = inverse(lam * noised + (1 - lam) * mask * kx + (1 - mask) * kx)
    for kind in (ProjectionConsistency, GradientConsistency):
        made = kind(lam, noised=True)(State(x, k), replace(context, noise=Fixed(z))).x[0].numpy()
        np.testing.assert_allclose(made, expected, rtol=1e-9, atol=1e-9)


def merged(x: Tensor, mask: Tensor, y: Tensor, lam: float, weight: Tensor | float = 1.0) -> Tensor:
    """Re F^-1 of k-space in which the measured samples are replaced: what the papers' code does to real images."""
    k = torch.fft.fftshift(torch.fft.fft2(torch.fft.ifftshift(x), norm="ortho"))
    full = torch.zeros_like(k)
    full[mask] = y
    k = k + lam * (weight * (mask * (full - k)))
    return torch.fft.fftshift(torch.fft.ifft2(torch.fft.ifftshift(k), norm="ortho")).real


def mirror_missing(mask: Tensor) -> Tensor:
    """Samples kept whose mirror image is not, where the centre is at n // 2."""
    mirrored = torch.fft.fftshift(torch.fft.ifftshift(mask).flip((0, 1)).roll((1, 1), (0, 1)))
    return mask & ~mirrored


@settings(max_examples=25)
@given(lam=st.floats(0, 1), seed=st.integers(0, 99))
def test_gradient_of_real_images_is_merge_transform_back_real_part(small, lam: float, seed: int) -> None:
    problem = small.problem("fourier")
    mask = problem.operator.factors[0].mask
    context = bound(small, problem.operator, problem.y, RealImage())
    x = small.normal((1, 4, 4), torch.float64, seed)
    made = GradientConsistency(lam)(State(x, 2), context).x[0]
    torch.testing.assert_close(made, merged(x[0], mask, problem.y, lam), **CLOSE)


def test_projection_of_real_images_weighs_unpaired_samples_twice(small) -> None:
    """x + Re F^-1 W m (y - F x), W = 2 where the mirror image is missing: the merge, W = 1, is no projection."""
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[2, 3] = mask[3, 2] = mask[2, 2] = mask[0, 1] = True  # no pair among them, so that any y is in range
    operator = fourier(mask)
    unpaired = mirror_missing(mask)
    y = operator(small.normal((4, 4), torch.float64, 8).to(torch.complex128))
    context = bound(small, operator, y, RealImage())
    x = small.normal((1, 4, 4), torch.float64, 9)
    made = ProjectionConsistency(1.0, noised=False)(State(x, 2), context).x
    expected = merged(x[0], mask, y, 1.0, weight=1.0 + unpaired)
    torch.testing.assert_close(made[0], expected, **CLOSE)
    torch.testing.assert_close(context.operator(made)[0], y, **CLOSE)
    after_merge = GradientConsistency(1.0)(State(x, 2), context).x
    assert torch.linalg.vector_norm(context.operator(after_merge) - y) > 0.1 * torch.linalg.vector_norm(y)


def test_projection_of_an_injective_operator_forgets_the_prior(small) -> None:
    """SENSE with many coils: A⁺(y - A x) + x is the least-squares image whatever x was; the gradient step is not."""
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[:, ::2] = True
    maps = small.normal((4, 4, 4), torch.complex128, 11)
    maps = maps / maps.abs().square().sum(0).sqrt()
    operator = sense(mask, maps)
    y = small.normal(operator.codomain_shape, torch.complex128, 12)
    context = bound(small, operator, y)
    x = small.normal((2, 4, 4), torch.complex128, 13)
    units = torch.eye(16, dtype=torch.complex128).reshape(16, 4, 4)
    matrix = operator(units).reshape(16, -1).T
    least_squares = torch.linalg.lstsq(matrix, y.flatten()[:, None]).solution.reshape(4, 4)
    made = ProjectionConsistency(1.0, noised=False)(State(x, 2), context).x
    torch.testing.assert_close(made, least_squares.expand(2, 4, 4), rtol=1e-6, atol=1e-6)
    by_gradient = GradientConsistency(1.0)(State(x, 2), context).x
    assert not torch.allclose(by_gradient[0], by_gradient[1], rtol=1e-2)


def test_nothing_is_noised_where_no_noise_is_left(small) -> None:
    problem = small.problem("fourier")
    context = bound(small, problem.operator, problem.y)
    x, end = small.normal((1, 4, 4), torch.complex128, 1), context.levels.steps
    noised = ProjectionConsistency(1.0)(State(x, end), replace(context, noise=Fixed(torch.full((1,), torch.nan)))).x
    assert torch.equal(noised, ProjectionConsistency(1.0, noised=False)(State(x, end), context).x)


@pytest.mark.parametrize("lam", [-0.1, 1.1, math.nan])
@pytest.mark.parametrize("kind", [ProjectionConsistency, GradientConsistency])
def test_lengths_of_a_step_outside_its_range_are_refused(kind: type[GradientConsistency], lam: float) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        kind(lam)
