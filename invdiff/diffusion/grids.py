"""At which noise levels an image is denoised."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from invdiff.diffusion.bounds import check_positive
from invdiff.diffusion.parameters import (
    Bend,
    ChainLength,
    FirstRate,
    LastRate,
    SigmaMax,
    SigmaMin,
    StepCount,
    TimesNoise,
)
from invdiff.diffusion.part import Part
from invdiff.diffusion.sde import SDE, VP, Cosine
from invdiff.errors import InputError


@dataclass(frozen=True)
class Levels:
    """N + 1 noise levels, falling: x_k = alpha[k] x_0 + beta[k] z; the last is the clean image, (1, 0).

    Attributes:
        alpha: what is left of the image, level by level.
        beta: the noise's standard deviation.
        time: the SDE's time at each of the first N levels.
        dt: the length of each of the N steps in time.

    Raises:
        InputError: a level's noise is too high or too low to compute with.
    """

    alpha: tuple[float, ...]
    beta: tuple[float, ...]
    time: tuple[float, ...]
    dt: tuple[float, ...]

    def __post_init__(self) -> None:
        for alpha, beta in zip(self.alpha[:-1], self.beta[:-1], strict=True):
            check_positive("Noise levels beta and alpha are numbers", alpha, beta)
            check_positive("Noise levels beta / alpha are numbers", beta / alpha)

    @property
    def steps(self) -> int:
        """N, the number of moves."""
        return len(self.alpha) - 1

    def sigma(self, k: int) -> float:
        """Noise-to-signal ratio beta/alpha of level k."""
        return self.beta[k] / self.alpha[k]

    def kernel(self, k: int) -> tuple[float, float]:
        """(r, v) of the move from k+1 to k: x_k = r x_{k+1} + sqrt(v) z. They define every reverse kernel."""
        r = self.alpha[k] / self.alpha[k + 1]
        return r, max(0.0, self.beta[k] ** 2 - (r * self.beta[k + 1]) ** 2)


class Grid(Part, ABC):
    """Chooses levels; the same grid serves any SDE, unless it says otherwise.

    Attributes:
        steps: N, the number of moves.
    """

    steps: int

    def given(self, noise_std: float | None) -> "Grid":
        """The grid for a measurement of that noise level (of an operator of norm one, in the prior's units)."""
        return self

    @abstractmethod
    def levels(self, sde: SDE) -> Levels:
        """The levels of this grid under an SDE.

        Raises:
            InputError: the SDE has no such levels.
        """


def _from_times(sde: SDE, times: Sequence[float], dt: Sequence[float]) -> Levels:
    alpha, beta = [sde.alpha(t) for t in times], [sde.beta(t) for t in times]
    return Levels((*alpha, 1.0), (*beta, 0.0), tuple(times), tuple(dt))


def _from_sigmas(sde: SDE, sigmas: Sequence[float]) -> Levels:
    # levels that are nearly equal may be rounded to rising ones
    times = np.minimum.accumulate([sde.time(float(sigma)) for sigma in sigmas]).tolist()
    dt = [a - b for a, b in pairwise(times)]
    last = times[-1]
    if sde.beta(0.0) > 0:
        # VE is clean at no time, so its last step is as long as the one before, or takes off all noise: g^2 dt = beta^2
        last = dt[-1] if dt and dt[-1] > 0 else (sde.beta(last) / sde.diffusion(last)) ** 2
    return _from_times(sde, times, [*dt, last])


@dataclass(frozen=True)
class Uniform(Grid):
    """N times evenly spaced from the SDE's ``begin`` to its ``end``, each step 1/N long, then the clean image (Song
    2020, app. G)."""

    steps: StepCount = 1000
    cites: ClassVar[tuple[str, ...]] = ("song2020",)

    def levels(self, sde: SDE) -> Levels:
        times = np.linspace(sde.begin, sde.end, self.steps).tolist()
        return _from_times(sde, times, [1 / self.steps] * self.steps)


@dataclass(frozen=True)
class Geometric(Grid):
    """N noise levels in geometric progression, then the clean image: the discretisation of VE (Song 2020, app. F).

    Args:
        steps: N.
        sigma_max: the first level; the SDE's at its ``begin`` by default.
        sigma_min: the last level before the clean image; the SDE's at t = 0 (VP, sub-VP: its ``end``) by default.
    """

    steps: StepCount = 1000
    sigma_max: SigmaMax | None = None
    sigma_min: SigmaMin | None = None
    cites: ClassVar[tuple[str, ...]] = ("song2020",)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_order(self.sigma_min, self.sigma_max)

    def levels(self, sde: SDE) -> Levels:
        last = 0.0 if sde.beta(0.0) > 0 else sde.end
        largest = self.sigma_max if self.sigma_max is not None else sde.beta(sde.begin) / sde.alpha(sde.begin)
        smallest = self.sigma_min if self.sigma_min is not None else sde.beta(last) / sde.alpha(last)
        _check_order(smallest, largest)
        return _from_sigmas(sde, np.geomspace(largest, smallest, self.steps).tolist())


@dataclass(frozen=True)
class Karras(Grid):
    """Noise levels evenly spaced in sigma^(1/rho), then the clean image (Karras 2022, eq. 5)."""

    steps: StepCount = 18
    sigma_max: SigmaMax = 80.0
    sigma_min: SigmaMin = 0.002
    rho: Bend = 7.0
    cites: ClassVar[tuple[str, ...]] = ("karras2022",)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_order(self.sigma_min, self.sigma_max)

    def levels(self, sde: SDE) -> Levels:
        roots = np.linspace(self.sigma_max ** (1 / self.rho), self.sigma_min ** (1 / self.rho), self.steps)
        return _from_sigmas(sde, (roots**self.rho).tolist())


@dataclass(frozen=True)
class DownToNoise(Grid):
    """The levels of `Karras` down to a multiple of the measurement's noise: below, there is nothing left to take away.

    Args:
        steps: N.
        sigma_max: the first level; where the noise is stronger, that of the last.
        times_noise: the last level, in units of the noise level.
        sigma_min: the last level where there is less noise.
        rho: as of `Karras`.

    Raises:
        InputError: as `Karras`, or times_noise is not positive.
    """

    steps: StepCount = 30
    sigma_max: SigmaMax = 0.35
    times_noise: TimesNoise = 2.0
    sigma_min: SigmaMin = 0.004
    rho: Bend = 7.0
    needs = frozenset({"noise_std"})
    cites: ClassVar[tuple[str, ...]] = ("karras2022", "zhang2021")

    def _karras(self, last: float) -> Karras:
        return Karras(self.steps, max(self.sigma_max, last), last, self.rho)

    def given(self, noise_std: float | None) -> Grid:
        return self._karras(max(self.sigma_min, self.times_noise * (noise_std or 0.0)))

    def levels(self, sde: SDE) -> Levels:
        return self._karras(self.sigma_min).levels(sde)


class Chain(Grid):
    """A discrete chain of T levels, alpha_i^2 = prod (1 - b_j), of which N are used: indices 0, T // N, 2 T // N, ...
    from the clean end.

    Attributes:
        chain: T, the length of the whole chain.
    """

    chain: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps > self.chain:
            raise InputError(
                f"A chain of {self.chain} levels can't be strided in {self.steps} steps; it has as many at least."
            )

    def strided(self, b: NDArray[np.float64], scale: float) -> Levels:
        """The levels of a chain with these b and beta_i = scale sqrt(1 - alpha_i^2)."""
        log_alpha = np.cumsum(np.log1p(-b)) / 2
        index = np.arange(0, self.chain, self.chain // self.steps)[: self.steps][::-1]
        alpha, beta = np.exp(log_alpha[index]), scale * np.sqrt(-np.expm1(2 * log_alpha[index]))
        times = ((index + 1) / self.chain).tolist()
        dt = tuple(a - b for a, b in zip(times, [*times[1:], 0.0], strict=True))
        return Levels((*alpha.tolist(), 1.0), (*beta.tolist(), 0.0), tuple(times), dt)


@dataclass(frozen=True)
class DiscreteVP(Chain):
    """The discrete VP chain of Song 2020 (app. E) and DDPM, b linear, strided as DDS (Chung 2024) strides. For `VP`
    alone.

    Args:
        steps: N, the levels used.
        chain: T, the length of the whole chain.
        first: b_1.
        last: b_T.
    """

    steps: StepCount = 1000
    chain: ChainLength = 1000
    first: FirstRate = 1e-4
    last: LastRate = 0.02
    cites: ClassVar[tuple[str, ...]] = ("ho2020",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.first <= self.last:
            raise InputError(f"A VP chain needs first <= last but got {self.first} and {self.last}.")

    def levels(self, sde: SDE) -> Levels:
        if type(sde) is not VP:
            raise InputError(f"DiscreteVP is a chain of VP levels, but the SDE is {sde!r}; use VP or another grid.")
        return self.strided(np.linspace(self.first, self.last, self.chain), 1.0)


@dataclass(frozen=True)
class DiscreteCosine(Chain):
    """The discrete cosine chain of Nichol & Dhariwal 2021 (eq. 17): b_i = 1 - alpha(i/T)^2 / alpha((i-1)/T)^2, at most
    0.999. For `Cosine` alone.

    Args:
        steps: N, the levels used.
        chain: T, the length of the whole chain.
    """

    steps: StepCount = 1000
    chain: ChainLength = 1000
    cites: ClassVar[tuple[str, ...]] = ("nichol2021",)

    def levels(self, sde: SDE) -> Levels:
        if not isinstance(sde, Cosine):
            raise InputError(
                f"DiscreteCosine is a chain of cosine levels, but the SDE is {sde!r}; use Cosine or another grid."
            )
        alpha = np.array([sde.alpha(i / self.chain) for i in range(self.chain + 1)])
        return self.strided(np.minimum(1 - (alpha[1:] / alpha[:-1]) ** 2, 0.999), sde.scale)


def _check_order(sigma_min: float | None, sigma_max: float | None) -> None:
    given = [sigma for sigma in (sigma_min, sigma_max) if sigma is not None]
    check_positive("Noise levels sigma_min and sigma_max are numbers", *given)
    if sigma_min is not None and sigma_max is not None and sigma_min > sigma_max:
        raise InputError(f"sigma_min={sigma_min} is above sigma_max={sigma_max}; exchange them.")
