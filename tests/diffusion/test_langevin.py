"""The step depends on norms, so no run of it is affine: its algebra against the paper's, with the same noise."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.diffusion import (
    SDE,
    VE,
    VP,
    AnnealedLangevin,
    Context,
    DiscreteVP,
    Geometric,
    Grid,
    Langevin,
    LangevinStep,
    RealImage,
    ReverseDiffusion,
    Sampler,
    Signal,
    Soss,
    SplitComplex,
    State,
    TwoChannel,
)
from invdiff.errors import InputError

SNR, LEVEL, SAMPLES = 0.3, 2, 3


class Recorded:
    """Noise handed out in order."""

    samples = range(SAMPLES)

    def __init__(self, noise: list[Tensor]) -> None:
        self.noise = list(noise)

    def like(self, x: Tensor) -> Tensor:
        return self.noise.pop(0)


def bound(small, sde: SDE, grid: Grid, signal: Signal) -> Context:
    prior = small.prior(signal.channels)
    sampler = Sampler(sde, grid, [Langevin(SNR), ReverseDiffusion()], signal)
    return sampler.bind(small.problem("inpainting", torch.float64), prior).run(range(SAMPLES))


def published(
    x: NDArray, noise: list[NDArray], small, channels: int, alpha: float, beta: float, a: float, joint: bool = False
) -> NDArray:
    """Song 2020, algorithms 4 and 5, on rows of real coordinates."""
    prior = small.prior(channels)
    mean, covariance = prior.mean.numpy().flatten(), prior.covariance.numpy()
    precision = np.linalg.inv(alpha**2 * covariance + beta**2 * np.eye(len(mean)))
    for z in noise:
        g = -(x - alpha * mean) @ precision
        ratio = np.linalg.norm(z, axis=1, keepdims=True) / np.linalg.norm(g, axis=1, keepdims=True)
        if joint:
            ratio = np.mean(np.linalg.norm(z, axis=1)) / np.mean(np.linalg.norm(g, axis=1))
        eps = 2 * a * (SNR * ratio) ** 2
        x = x + eps * g + np.sqrt(2 * eps) * z
    return x


def rows(x: Tensor) -> NDArray:
    """(part, pixel) for each sample."""
    parts = [x.real, x.imag] if x.is_complex() else [x]
    return torch.stack(parts, 1).reshape(len(x), -1).numpy()


CASES = {
    "VE, real": (VE(0.1, 4), Geometric(5), RealImage(), torch.float64),
    "VE, complex": (VE(0.1, 4), Geometric(5), TwoChannel(), torch.complex128),
    "VP, complex": (VP(), DiscreteVP(5, 5, 0.1, 0.4), TwoChannel(), torch.complex128),
}


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_step_is_the_published_one(small, name: str, steps: int) -> None:
    sde, grid, signal, kind = CASES[name]
    context = bound(small, sde, grid, signal)
    alpha, beta = context.levels.alpha[LEVEL], context.levels.beta[LEVEL]
    a = 1.0 if isinstance(sde, VE) else 1 - np.linspace(0.1, 0.4, 5)[::-1][LEVEL]
    x, *noise = (small.normal((SAMPLES, 4, 4), kind, seed) for seed in range(steps + 1))
    made = rows(Langevin(SNR, steps)(State(x, LEVEL), replace(context, noise=Recorded(noise))).x)

    def expected(**changes) -> NDArray:
        right = {"alpha": alpha, "beta": beta, "a": a}
        return published(rows(x), [rows(z) for z in noise], small, signal.channels, **{**right, **changes})

    np.testing.assert_allclose(made, expected(), rtol=1e-9, atol=1e-12)
    wrong = [{"beta": 1.1 * beta}, {"a": 1.01 * a}, {"joint": True}, {"alpha": -alpha}]
    assert not any(np.allclose(made, expected(**changes), rtol=1e-6) for changes in wrong)


def test_a_sample_does_not_depend_on_its_neighbours(small) -> None:
    context = bound(small, *CASES["VE, complex"][:3])
    x, z = (small.normal((SAMPLES, 4, 4), torch.complex128, seed) for seed in (0, 1))
    together = Langevin(SNR)(State(x, LEVEL), replace(context, noise=Recorded([z]))).x
    x[1:] *= 100
    alone = Langevin(SNR)(State(x, LEVEL), replace(context, noise=Recorded([z]))).x
    assert torch.equal(together[0], alone[0])
    assert not torch.allclose(together[1], alone[1])


def test_nothing_is_corrected_where_no_noise_is_left(small) -> None:
    context = bound(small, *CASES["VE, complex"][:3])
    state = State(small.normal((SAMPLES, 4, 4), torch.complex128), context.levels.steps)
    assert Langevin(SNR)(state, replace(context, noise=Recorded([]))) is state


# Whose norm


AXES = {"sample": (1, 2, 3, 4), "image": (2, 3, 4), "part": (2, 3)}


def of_coils(small, over: str, steps: int = 1, last_noise: bool = True) -> tuple[Context, Langevin]:
    """A run of coil images (samples, coils, H, W), so that every kind of norm is another."""
    corrector = Langevin(SNR, steps, last_noise, over)
    sampler = Sampler(VE(0.1, 4), Geometric(5), [corrector, ReverseDiffusion()], SplitComplex(), view=Soss())
    return sampler.bind(small.problem("sense"), small.prior(1)).run(range(SAMPLES)), corrector


def real(x: Tensor) -> NDArray:
    return torch.view_as_real(x).numpy()


def with_norms_over(over: str, x: Tensor, score: Tensor, noise: Tensor, level: float = 1.0) -> NDArray:
    """x + e s + sqrt(2 e) z on real numbers (samples, coils, H, W, 2)."""
    axes = AXES["sample" if over == "batch" else over]
    lengths = [np.sqrt((real(v) ** 2).sum(axes, keepdims=True)) for v in (noise, score)]
    if over == "batch":
        lengths = [length.mean() for length in lengths]
    eps = 2 * (SNR * lengths[0] / lengths[1]) ** 2
    return real(x) + eps * real(score) + np.sqrt(2 * eps) * real(noise)


@pytest.mark.parametrize("over", [*AXES, "batch"])
def test_norms_are_of_what_over_says(small, over: str) -> None:
    context, corrector = of_coils(small, over)
    x, z = (small.normal((SAMPLES, 3, 4, 4), torch.complex128, seed) for seed in (0, 1))
    x[1] *= 10  # samples, coils and parts all of their own length
    x[:, 2] *= 3
    x = torch.complex(x.real, 5 * x.imag)
    made = real(corrector(State(x, LEVEL), replace(context, noise=Recorded([z]))).x)
    score = context.score(x, LEVEL)
    np.testing.assert_allclose(made, with_norms_over(over, x, score, z), rtol=1e-9, atol=1e-12)
    others = {*AXES, "batch"} - {over}
    assert not any(np.allclose(made, with_norms_over(other, x, score, z), rtol=1e-3) for other in others)


@pytest.mark.parametrize("over", [*AXES, "batch"])
def test_only_norms_of_the_batch_depend_on_it(small, over: str) -> None:
    context, corrector = of_coils(small, over, steps=2)
    x, *noise = (small.normal((SAMPLES, 3, 4, 4), torch.complex128, seed) for seed in (0, 1, 2))
    x[1:] *= 100
    together = corrector(State(x, LEVEL), replace(context, noise=Recorded(noise))).x[:1]
    alone = corrector(State(x[:1], LEVEL), replace(context, noise=Recorded([z[:1] for z in noise]))).x
    assert torch.allclose(together, alone, rtol=1e-9) == (over != "batch")


@pytest.mark.parametrize("over", ["image", "part"])
def test_a_real_image_is_one_part(small, over: str) -> None:
    context = bound(small, *CASES["VE, real"][:3])
    x, z = (small.normal((SAMPLES, 4, 4), torch.float64, seed) for seed in (0, 1))
    made = [
        Langevin(SNR, over=choice)(State(x, LEVEL), replace(context, noise=Recorded([z]))).x
        for choice in (over, "sample")
    ]
    torch.testing.assert_close(*made, rtol=1e-12, atol=1e-12)


# The last noise


@pytest.mark.parametrize("kind", [Langevin, AnnealedLangevin])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_last_noise_is_that_of_the_last_repetition_at_the_lowest_level(
    small, kind: type[LangevinStep], steps: int
) -> None:
    context = bound(small, *CASES["VE, complex"][:3])
    x, *noise = (small.normal((SAMPLES, 4, 4), torch.complex128, seed) for seed in range(steps + 1))

    def made(last_noise: bool, k: int, repetitions: int = steps) -> Tensor:
        recorded = replace(context, noise=Recorded(noise))
        return kind(SNR, repetitions, last_noise)(State(x, k), recorded).x

    lowest = context.levels.steps - 1
    for k in range(lowest):
        assert torch.equal(made(True, k), made(False, k))
    before = made(True, lowest, steps - 1) if steps > 1 else x
    score, z = context.score(before, lowest), noise[-1]
    length = 2 * (SNR * context.levels.beta[lowest]) ** 2 * torch.ones(SAMPLES, 1, 1)
    if kind is Langevin:
        norms = [torch.linalg.vector_norm(v, dim=(1, 2), keepdim=True) for v in (z, score)]
        length = 2 * (SNR * norms[0] / norms[1]) ** 2
    torch.testing.assert_close(made(False, lowest), before + length * score)
    torch.testing.assert_close(made(True, lowest), before + length * score + (2 * length).sqrt() * z)
    assert not torch.allclose(made(True, lowest), made(False, lowest), rtol=1e-2)


# Of a fixed length


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_annealed_langevin_has_the_length_of_its_level(small, name: str, steps: int) -> None:
    """e = 2 a (snr beta)^2, with a as in `test_step_is_the_published_one`."""
    sde, grid, signal, kind = CASES[name]
    context = bound(small, sde, grid, signal)
    beta = context.levels.beta[LEVEL]
    a = 1.0 if isinstance(sde, VE) else 1 - np.linspace(0.1, 0.4, 5)[::-1][LEVEL]
    x, *noise = (small.normal((SAMPLES, 4, 4), kind, seed) for seed in range(steps + 1))
    made = AnnealedLangevin(SNR, steps)(State(x, LEVEL), replace(context, noise=Recorded(noise))).x

    def expected(eps: float) -> Tensor:
        moved = x
        for z in noise:
            moved = moved + eps * context.score(moved, LEVEL) + math.sqrt(2 * eps) * z
        return moved

    torch.testing.assert_close(made, expected(2 * a * (SNR * beta) ** 2))
    assert not torch.allclose(made, expected((SNR * beta) ** 2), rtol=1e-2)
    assert a == 1 or not torch.allclose(made, expected(2 * (SNR * beta) ** 2), rtol=1e-2)


@pytest.mark.parametrize("k", [0, 2, 4])
def test_annealed_langevin_is_that_of_ncsnv2(small, k: int) -> None:
    """x + e s + sqrt(2 e) z with e = epsilon sigma_i^2 / sigma_L^2."""
    epsilon, context = 2e-3, bound(small, *CASES["VE, complex"][:3])
    sigma, smallest = context.levels.beta[k], context.levels.beta[4]
    x, z = (small.normal((SAMPLES, 4, 4), torch.complex128, seed) for seed in (0, 1))
    step = AnnealedLangevin(math.sqrt(epsilon / 2) / smallest)
    made = step(State(x, k), replace(context, noise=Recorded([z]))).x
    e = epsilon * sigma**2 / smallest**2
    torch.testing.assert_close(made, x + e * context.score(x, k) + math.sqrt(2 * e) * z)


def test_annealed_langevin_does_nothing_where_no_noise_is_left(small) -> None:
    context = bound(small, *CASES["VE, complex"][:3])
    state = State(small.normal((SAMPLES, 4, 4), torch.complex128), context.levels.steps)
    assert AnnealedLangevin(SNR)(state, replace(context, noise=Recorded([]))) is state


@pytest.mark.parametrize("values", [(0.0, 1), (-0.1, 1), (float("nan"), 1), (0.1, 0)])
def test_steps_that_make_no_sense_are_refused(values: tuple[float, int]) -> None:
    with pytest.raises(InputError, match=r"above zero, but got|at least 1, but got 0"):
        Langevin(*values)
