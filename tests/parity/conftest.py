"""A small problem in plain NumPy, levels as the papers write them, and the transcriptions of their algorithms."""

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]
Noise = Callable[[int], Callable[..., Array]]
FOLDER = Path(__file__).parent / "transcriptions"


@cache
def _transcription(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"transcription_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def transcription() -> Callable[[str], ModuleType]:
    """The transcription of that name."""
    return _transcription


class Levels:
    """Falling noise levels, then the clean image."""

    @staticmethod
    def geometric(N: int, largest: float, smallest: float) -> list[float]:
        """sigma of VE (Song 2020, appendix F)."""
        return [*(largest * (smallest / largest) ** (i / (N - 1)) for i in range(N)), 0.0]

    @staticmethod
    def karras(N: int, largest: float, smallest: float, rho: float = 7.0) -> list[float]:
        """sigma of EDM (Karras 2022, eq. 5)."""
        ends = largest ** (1 / rho), smallest ** (1 / rho)
        return [*((ends[0] + i / (N - 1) * (ends[1] - ends[0])) ** rho for i in range(N)), 0.0]

    @staticmethod
    def vp(N: int, first: float = 0.1, last: float = 20.0) -> tuple[list[float], list[float]]:
        """alpha and beta of the chain beta_i = first / N, .., last / N (Song 2020, appendix E)."""
        bars = np.cumprod(1 - np.linspace(first / N, last / N, N))[::-1]
        return [*np.sqrt(bars).tolist(), 1.0], [*np.sqrt(1 - bars).tolist(), 0.0]

    @staticmethod
    def sub_vp(N: int, first: float = 0.1, last: float = 20.0) -> tuple[list[float], list[float]]:
        """alpha and beta at times from 1 to 1e-3 (Song 2020, eq. 29 and appendix C)."""
        t = np.linspace(1, 1e-3, N)
        c = -(t**2) * (last - first) / 4 - t * first / 2
        return [*np.exp(c).tolist(), 1.0], [*(1 - np.exp(2 * c)).tolist(), 0.0]

    @staticmethod
    def strided(N: int, T: int = 1000) -> tuple[list[float], list[float]]:
        """alpha and beta of DDPM's linear chain, walked in N strides as DDS does."""
        bars = np.cumprod(1 - np.linspace(1e-4, 0.02, T))[list(range(0, T, T // N))[N - 1 :: -1]]
        return [*np.sqrt(bars).tolist(), 1.0], [*np.sqrt(1 - bars).tolist(), 0.0]

    @staticmethod
    def cosine(N: int, scale: float = 0.5, s: float = 0.008, largest: float = 0.999) -> tuple[list[float], list[float]]:
        """alpha-bar and beta-bar of MC-DDPM's cosine chain."""
        f = np.cos((np.arange(N + 1) / N + s) / (1 + s) * np.pi / 2) ** 2
        squares = np.cumprod(1 - np.minimum(1 - f[1:] / f[:-1], largest))[::-1]
        return [*np.sqrt(squares).tolist(), 1.0], [*(scale * np.sqrt(1 - squares)).tolist(), 0.0]


@pytest.fixture(scope="session")
def levels() -> type[Levels]:
    """The papers' noise levels."""
    return Levels


class Small:
    """A bright spot on ``side`` by ``side`` pixels under a Gaussian prior, seen through a random mask by one coil or
    three.

    The prior of a real image is N(mean, covariance), that of a complex one the same for each part.
    """

    side = 8

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        n = self.side
        place = np.arange(n)
        window = np.exp(-((place - 0.45 * n) ** 2) / (n / 3) ** 2)
        line = window[:, None] * np.exp(-((place[:, None] - place) ** 2) / 4) * window
        self.mean = np.outer(window, window)
        self.covariance = 0.3 * np.kron(line, line)
        self._variances, self._axes = np.linalg.eigh(self.covariance)
        self.mask = (rng.random((n, n)) < 0.5).astype(float)
        self.mask[n // 2, n // 2] = 1
        maps = rng.standard_normal((3, n, n)) + 1j * rng.standard_normal((3, n, n))
        self.maps = maps / np.sqrt(np.sum(np.abs(maps) ** 2, axis=0))
        self.real = self._draw(rng)
        self.complex = self._draw(rng) + 1j * self._draw(rng)

    def _draw(self, rng: np.random.Generator) -> Array:
        """A real image of the prior."""
        weights = np.sqrt(np.maximum(self._variances, 0)) * rng.standard_normal(self.side**2)
        return self.mean + (self._axes @ weights).reshape(self.mean.shape)

    @staticmethod
    def F(x: Array) -> Array:
        """Centred and unitary, over the last two axes."""
        return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x, (-2, -1)), norm="ortho"), (-2, -1))

    @staticmethod
    def FH(k: Array) -> Array:
        return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(k, (-2, -1)), norm="ortho"), (-2, -1))

    def masked(self, x: Array) -> Array:
        """One coil."""
        return self.mask * self.F(x)

    def masked_adjoint(self, k: Array) -> Array:
        return self.FH(self.mask * k)

    def sense(self, x: Array) -> Array:
        """Three coils."""
        return self.masked(self.maps * x)

    def sense_adjoint(self, k: Array) -> Array:
        return np.sum(self.maps.conj() * self.masked_adjoint(k), axis=0)

    def score(self, x: Array, alpha: float, beta: float) -> Array:
        """Of N(alpha mean, alpha^2 covariance + beta^2), for each part of a complex image."""
        if np.iscomplexobj(x):
            return self.score(x.real, alpha, beta) + 1j * self.score(x.imag, alpha, beta)
        along = self._axes.T @ (x - alpha * self.mean).ravel()
        return -(self._axes @ (along / (alpha**2 * self._variances + beta**2))).reshape(x.shape)

    def denoise(self, x: Array, sigma: float) -> Array:
        """E[x_0 | x_0 + sigma z = x] of real images."""
        return x + sigma**2 * self.score(x, 1.0, sigma)

    @staticmethod
    def noise(like: Array, seed: int = 0, data: Array | None = None) -> Noise:
        """Standard normal arrays of the shape and kind of ``like``, or of ``data``, by iteration."""

        def iteration(number: int) -> Callable[..., Array]:
            rng = np.random.default_rng([seed, number])

            def draw(*, of_data: bool = False) -> Array:
                drawn = data if of_data and data is not None else like
                z = rng.standard_normal(drawn.shape)
                return z + 1j * rng.standard_normal(drawn.shape) if np.iscomplexobj(drawn) else z

            return draw

        return iteration


@pytest.fixture(scope="session")
def small() -> Small:
    """8 by 8."""
    return Small()
