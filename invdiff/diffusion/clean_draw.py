"""How a clean image is drawn given a noisy one, by the prior alone."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar

import numpy as np
from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.parameters import DrawSteps, FreshNoise
from invdiff.diffusion.part import Part
from invdiff.diffusion.power import power_at_frequencies
from invdiff.operators import Circulant
from invdiff.operators.real_part import RealCirculant
from invdiff.within import BELOW_ONE, Within


class CleanDraw(Part, ABC):
    """A draw from p(x_0 | x) of the prior, or what stands for one."""

    @property
    def network_calls(self) -> int:
        """Network calls for each draw."""
        return 1

    @abstractmethod
    def __call__(self, x: Tensor, k: int, context: Context) -> Tensor:
        """Clean images of the states ``x`` at level ``k``."""


@dataclass(frozen=True)
class SpectralDraw(CleanDraw):
    """E[x_0 | x] + C^(1/2) n with the covariance that a stationary Gaussian prior of the prior's power spectrum P
    leaves, C = P sigma^2 / (P + sigma^2) at each frequency; one network call.

    Exact where the prior is that Gaussian one. Where no power spectrum is known, P is white, as in `WienerStart`.
    """

    def __call__(self, x: Tensor, k: int, context: Context) -> Tensor:
        mean = context.denoise(x, k)
        power = power_at_frequencies(context.denoiser.prior, x) / (2 if x.is_complex() else 1)
        left = power / (1 + power / context.levels.sigma(k) ** 2)
        kind = Circulant if x.is_complex() else RealCirculant
        axes = tuple(range(-power.ndim, 0))
        return mean + kind(context.operator.domain_shape, left.sqrt(), axes)(context.noise.like(x))


@dataclass(frozen=True)
class ReverseDraw(CleanDraw):
    """The reverse SDE from the state's level down, by ancestral steps (Ho 2020): exact as they become many.

    One step is the mean, E[x_0 | x], and no draw.

    Args:
        steps: network calls, at levels even in sigma^(1/7) (Karras 2022, eq. 5) down to ``last``.
        last: the lowest level, in units of the state's.
        eta: share of fresh noise as in `DDIM`; 0 is the probability flow (Euler's method), whose end is no draw either.

    Raises:
        InputError: steps is not at least one, last not between 0 and 1, or eta outside [0, 1].
    """

    steps: DrawSteps = 1
    last: Annotated[float, Within(1e-6, BELOW_ONE, "lowest level, in units of the first", (0.005, 0.1), log=True)] = (
        0.02
    )
    eta: FreshNoise = 1.0
    cites: ClassVar[tuple[str, ...]] = ("ho2020", "karras2022")

    @property
    def network_calls(self) -> int:
        return self.steps

    def __call__(self, x: Tensor, k: int, context: Context) -> Tensor:
        first = context.levels.sigma(k)
        u = x / context.levels.alpha[k]
        roots = np.linspace(1.0, self.last ** (1 / 7), self.steps) if self.steps > 1 else np.ones(1)
        for s, t in pairwise([*(first * roots**7).tolist(), 0.0]):
            mean = context.denoiser.denoise(u, 1.0, s, context.noise)
            if t == 0:
                return mean
            h = self.eta * t * math.sqrt(1 - (t / s) ** 2)
            u = mean + math.sqrt(t**2 - h**2) / s * (u - mean)
            u = u + h * context.noise.like(u) if h > 0 else u
        raise AssertionError("The last level is the clean image.")
