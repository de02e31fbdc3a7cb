"""The reverse-diffusion predictor of Song 2020."""

import math
from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class ReverseDiffusion(Predictor):
    """x' = (2 - r) x + v s + sqrt(v) z (Song 2020, eq. 46): VE, VP and sub-VP alike, with r and v of `Levels.kernel`.

    Args:
        last_noise: whether the move to the clean image adds its noise too, as Song 2021 does before a last Tweedie
            step.
    """

    last_noise: bool = False
    cites: ClassVar[tuple[str, ...]] = ("song2020",)

    def __call__(self, state: State, context: Context) -> State:
        r, v = context.levels.kernel(state.k)
        x = (2 - r) * state.x + v * context.score(state.x, state.k)
        if self.last_noise or state.k + 1 < context.levels.steps:
            x = x + math.sqrt(v) * context.noise.like(x)
        return state.at(x, state.k + 1)
