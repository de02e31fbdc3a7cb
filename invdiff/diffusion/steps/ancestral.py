"""Ancestral sampling: the predictor of SMLD and DDPM."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class Ancestral(Predictor):
    """x' = (x + v s) / r + noise (Ho 2020, eq. 11; Song 2020, eq. 47), with r and v of `Levels.kernel`.

    Args:
        variance: of the noise: ``"posterior"`` v beta'^2 / beta^2, as Song 2020 for VE, or ``"forward"`` v, as for VP.
            The last move adds none.
    """

    variance: Literal["posterior", "forward"] = "posterior"
    cites: ClassVar[tuple[str, ...]] = ("ho2020", "song2020")

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        r, v = levels.kernel(k)
        x = (state.x + v * context.score(state.x, k)) / r
        if k + 1 < levels.steps:
            shrink = levels.beta[k + 1] / levels.beta[k] if self.variance == "posterior" else 1.0
            x = x + math.sqrt(v) * shrink * context.noise.like(x)
        return state.at(x, k + 1)
