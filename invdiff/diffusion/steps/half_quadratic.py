"""The move of half-quadratic splitting."""

from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class HalfQuadratic(Predictor):
    """x' = alpha' x_0 of the guided estimate, without noise: with `Proximal` guidance half-quadratic splitting (Geman &
    Yang 1995) whose prior step is a denoiser (Venkatakrishnan 2013; Zhang 2021, DPIR).

    The state holds no noise of its level; what the denoiser takes away is what the data step left. The last image is
    the mean of the last two iterates, so that signals that are shown by turns both speak. Deterministic.
    """

    cites: ClassVar[tuple[str, ...]] = ("geman1995", "venkatakrishnan2013", "zhang2021")

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        image = context.estimate(state.x, k).mean
        if 0 < k == levels.steps - 1:
            image = (image + state.x / levels.alpha[k]) / 2
        return state.at(levels.alpha[k + 1] * image, k + 1)
