"""The step depends on norms, so no run of it is affine: its algebra against the paper's, with the same noise."""

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
    Context,
    DiscreteVP,
    Geometric,
    Grid,
    Langevin,
    RealImage,
    ReverseDiffusion,
    Sampler,
    Signal,
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
    return sampler.bind(small.problem("inpainting", torch.float64), prior, samples=range(SAMPLES))


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


@pytest.mark.parametrize("values", [(0.0, 1), (-0.1, 1), (float("nan"), 1), (0.1, 0)])
def test_steps_that_make_no_sense_are_refused(values: tuple[float, int]) -> None:
    with pytest.raises(InputError, match="snr > 0 and steps >= 1"):
        Langevin(*values)
