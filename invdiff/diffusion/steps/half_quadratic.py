"""The move of half-quadratic splitting."""

from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class HalfQuadratic(Predictor):
    """x' = alpha' x_0 of the guided estimate, without noise: with `Proximal` guidance half-quadratic splitting (Geman &
    Yang 1995) whose prior step is a denoiser (Venkatakrishnan 2013; Zhang 2021, DPIR).

    The state holds no noise of its level; what the denoiser takes away is what the data step left. Deterministic.
    """

    cites: ClassVar[tuple[str, ...]] = ("geman1995", "venkatakrishnan2013", "zhang2021")

    def __call__(self, state: State, context: Context) -> State:
        k = state.k
        return state.at(context.levels.alpha[k + 1] * context.estimate(state.x, k).mean, k + 1)
