"""DDIM and its relatives: keep some of the noise, renew the rest."""

import math
from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.grids import Levels
from invdiff.diffusion.parameters import FreshNoise
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class DDIM(Predictor):
    """x' = alpha' x_0 + sqrt(beta'^2 - h^2) z_0 + h z with h = eta (beta'/beta) sqrt(beta^2 - (alpha/alpha')^2
    beta'^2) (Song 2021, DDIM, eq. 12 and 16), x_0 and z_0 of the estimate.

    Args:
        eta: 0 is deterministic, 1 ancestral sampling.

    Raises:
        InputError: eta is outside [0, 1].
    """

    eta: FreshNoise = 0.0
    cites: ClassVar[tuple[str, ...]] = ("song2021ddim",)

    def fresh(self, levels: Levels, k: int) -> float:
        """h, the standard deviation of the fresh noise."""
        _, v = levels.kernel(k)
        return self.eta * levels.beta[k + 1] / levels.beta[k] * math.sqrt(v)

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        estimate = context.estimate(state.x, k)
        x = levels.alpha[k + 1] * estimate.mean
        if k + 1 < levels.steps:
            h = self.fresh(levels, k)
            x = x + math.sqrt(max(0.0, levels.beta[k + 1] ** 2 - h**2)) * estimate.noise
            x = x + h * context.noise.like(x) if h > 0 else x
        return state.at(x, k + 1)


@dataclass(frozen=True)
class Renoise(DDIM):
    """x' = alpha' x_0 + beta' (sqrt(1 - eta^2) z_0 + eta z): the share ``eta`` counts against the whole level, as DDS
    (Chung 2024, eq. 18) and DiffPIR (Zhu 2023, eq. 14, with eta^2 = zeta) have it. More fresh noise than DDIM."""

    cites: ClassVar[tuple[str, ...]] = ("chung2024", "zhu2023")

    def fresh(self, levels: Levels, k: int) -> float:
        return self.eta * levels.beta[k + 1]
