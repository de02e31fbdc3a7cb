"""The first image of an estimate: the dense MAP estimate under a stationary Gaussian, and the power that it takes."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    VE,
    Context,
    HalfQuadratic,
    Karras,
    Problem,
    RealImage,
    Sampler,
    Signal,
    SplitComplex,
    Start,
    TwoChannel,
    WienerStart,
)
from invdiff.diffusion.power import power_at_frequencies
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, denoising, fourier, inpainting, sense
from invdiff.priors import Prior
from invdiff.testing import dense

SHAPE = (5, 4)
POWER = (9.0, 3.0, 0.5, 0.01)
SIGMA = 0.8


class Spectral(Prior):
    """Images of a known power spectrum, about which nothing else is asked."""

    channels = (1, 2)

    def __init__(self, power_spectrum: tuple[float, ...] | None = POWER, data_std: float | None = None) -> None:
        self.power_spectrum, self.data_std = power_spectrum, data_std

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x


def operators(seed: int) -> dict[str, LinearOperator]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(SHAPE, generator=generator) < 0.5
    mask[2, 2] = True
    maps = torch.randn(2, *SHAPE, dtype=torch.complex128, generator=generator)
    return {
        "fourier": fourier(mask),
        "sense": 0.3 * sense(mask, maps),
        "inpainting": inpainting(mask),
        "denoising": denoising(SHAPE),
    }


def expected_power(shape: tuple[int, int]) -> Tensor:
    """The spectrum between the middles of its bins, in the logarithm; constant outside."""
    power = np.empty(shape)
    for down in range(shape[0]):
        for across in range(shape[1]):
            rows, columns = (min(k, n - k) / (n / 2) for k, n in zip((down, across), shape, strict=True))
            at = math.hypot(rows, columns) * len(POWER) - 0.5  # in bins, from the middle of the first
            low = min(max(math.floor(at), 0), len(POWER) - 1)
            high = min(low + 1, len(POWER) - 1)
            part = min(max(at - low, 0.0), 1.0)
            power[down, across] = POWER[low] ** (1 - part) * POWER[high] ** part
    return torch.from_numpy(power)


def map_estimate(context: Context, s: float) -> Tensor:
    """argmin |y - A x|^2 / s^2 + x^H C^-1 x with dense matrices on real coordinates, C = F^H diag(power) F."""
    A, real = context.operator, not context.adjoint_y.is_complex()
    matrix = dense(A, torch.float64 if real else torch.complex128)
    units = torch.eye(matrix.shape[1], dtype=torch.float64)
    images = units.reshape(-1, *SHAPE) if real else torch.view_as_complex(units.reshape(-1, *SHAPE, 2))
    power = expected_power(SHAPE) / (1 if real else 2)  # of each real number
    penalised = torch.fft.ifftn(torch.fft.fftn(images, dim=(-2, -1)) / power, dim=(-2, -1))
    columns = penalised.real if real else torch.view_as_real(penalised)
    precision = matrix.T @ matrix / s**2 + columns.reshape(len(units), -1).T
    y = torch.view_as_real(context.y) if context.y.is_complex() else context.y
    x = torch.linalg.solve(precision, matrix.T @ y.flatten() / s**2)
    return x.reshape(SHAPE) if real else torch.view_as_complex(x.reshape(*SHAPE, 2))


def check_start(start: Start, name: str, signal: Signal, noise_std: float, seed: int) -> None:
    A = operators(seed)[name]
    generator = torch.Generator().manual_seed(seed)
    kind = torch.complex128 if signal.is_complex or name in ("fourier", "sense") else torch.float64
    problem = Problem(A, torch.randn(A.codomain_shape, dtype=kind, generator=generator), noise_std, scale=1.0)
    sampler = Sampler(VE(), Karras(3, SIGMA, 0.1), [HalfQuadratic()], signal, start=start)
    context = sampler.bind(problem, Spectral()).run(range(2))
    first, *_ = context.states()
    assert first.k == 0
    assert first.x.is_complex() == signal.is_complex
    expected = map_estimate(context, max(context.known_noise_std, 0.5 * SIGMA))
    for image in first.x:  # one for every sample
        assert (image - expected).norm() <= 2e-2 * expected.norm()  # of conjugate gradients to 1e-3


@pytest.mark.parametrize("signal", [RealImage(), TwoChannel(), SplitComplex()], ids=repr)
@pytest.mark.parametrize("name", operators(0))
@given(noise_std=st.sampled_from([0.0, 0.1, 2.0]), seed=st.integers(0, 50))
@settings(max_examples=10)
def test_the_start_is_the_map_estimate_of_a_stationary_gaussian(
    name: str, signal: Signal, noise_std: float, seed: int
) -> None:
    check_start(WienerStart(0.5), name, signal, noise_std, seed)


class White(WienerStart):
    """One that forgets the spectrum."""

    def __call__(self, blank: Tensor, context: Context):  # type: ignore[no-untyped-def]
        denoiser = replace(context.denoiser, prior=Spectral(None))
        return super().__call__(blank, replace(context, denoiser=denoiser))


@pytest.mark.parametrize("start", [WienerStart(0.1), White(0.5)])
@pytest.mark.parametrize("name", ["fourier", "inpainting"])
def test_another_start_is_noticed(start: Start, name: str) -> None:
    with pytest.raises(AssertionError):
        check_start(start, name, TwoChannel(), 0.1, 0)


@pytest.mark.parametrize("held_back", [0.0, -1.0, math.nan])
def test_data_that_are_never_held_back_are_refused(held_back: float) -> None:
    with pytest.raises(InputError, match="held_back is the least noise of the data, in units of the first"):
        WienerStart(held_back)


def test_no_network_is_asked_and_no_noise_drawn(small) -> None:
    sampler = Sampler(VE(), Karras(3, SIGMA, 0.1), [HalfQuadratic()], TwoChannel(), start=WienerStart())
    context = sampler.bind(small.problem("sense"), small.prior(2)).run(range(2))
    first, *_ = context.states()
    assert torch.equal(first.x[0], first.x[1])
    begun = sampler.bind(small.problem("sense"), small.prior(2)).run()
    next(iter(begun.states()))
    assert begun.denoiser.calls == 0


# The power at each frequency


@given(shape=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_the_power_is_that_between_the_bins(shape: tuple[int, int]) -> None:
    torch.testing.assert_close(power_at_frequencies(Spectral(), torch.zeros(shape).double()), expected_power(shape))


def of_spectrum(shape: tuple[int, int], power: Tensor, count: int) -> Tensor:
    """Random complex images whose mean power at each frequency is this."""
    z = torch.randn(count, *shape, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return torch.fft.ifftn(torch.view_as_complex(z) * (power / 2).sqrt(), dim=(-2, -1), norm="ortho")


def test_it_is_the_mean_power_of_such_images() -> None:
    """In the units of `power_spectrum`: abs squared of the orthonormal transform."""
    images, power = of_spectrum((6, 8), expected_power((6, 8)), 4000), expected_power((6, 8))
    measured = torch.fft.fftn(images, dim=(-2, -1), norm="ortho").abs().square().mean(0)
    torch.testing.assert_close(measured / power, torch.ones(6, 8).double(), rtol=0.1, atol=0)
    assert not torch.allclose(measured / expected_power((6, 8)).T.reshape(6, 8), torch.ones(6, 8).double(), rtol=0.1)


@pytest.mark.parametrize(("data_std", "power"), [(None, 1.0), (0.3, 0.09)])
def test_without_a_spectrum_it_is_white(data_std: float | None, power: float) -> None:
    """The power of an image of one real number a pixel, or of two, each of that deviation."""
    for kind, numbers in ((torch.float64, 1), (torch.complex128, 2)):
        found = power_at_frequencies(Spectral(None, data_std), torch.zeros(*SHAPE, dtype=kind))
        torch.testing.assert_close(found, torch.full(SHAPE, numbers * power).double())


@pytest.mark.parametrize("spectrum", [(1.0, 0.0, 0.0), (1e-3, 0.0), (1e6, 1e-6, 1e-30), (0.0, 1.0)])
def test_bins_without_power_do_not_divide_by_zero(small, spectrum: tuple[float, ...]) -> None:
    sampler = Sampler(VE(), Karras(3, SIGMA, 0.1), [HalfQuadratic()], TwoChannel(), start=WienerStart())
    problem = small.problem("sense")
    problem = Problem(problem.operator, problem.y.to(torch.complex64), problem.noise_std)
    context = sampler.bind(problem, Spectral(spectrum)).run()
    first = next(iter(context.states()))
    assert context.trace.warning is None
    assert torch.view_as_real(first.x).isfinite().all()
    assert first.x.abs().max() > 0
