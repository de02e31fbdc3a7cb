"""The Euler-Maruyama predictor of Song 2020."""

import math
from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class EulerMaruyama(Predictor):
    """x' = x - (f x - g^2 s) dt + g sqrt(dt) z (Song 2020, app. G); the last move adds no noise."""

    cites: ClassVar[tuple[str, ...]] = ("song2020",)

    def __call__(self, state: State, context: Context) -> State:
        time, dt = context.levels.time[state.k], context.levels.dt[state.k]
        drift, diffusion = context.sde.drift(time), context.sde.diffusion(time)
        x = (1 - drift * dt) * state.x + diffusion**2 * dt * context.score(state.x, state.k)
        if state.k + 1 < context.levels.steps:
            x = x + diffusion * math.sqrt(dt) * context.noise.like(x)
        return state.at(x, state.k + 1)
