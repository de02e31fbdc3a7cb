"""The last denoising."""

from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import State, Step


@dataclass(frozen=True)
class Tweedie(Step):
    """x = E[x_0 | x], taking x to carry the noise of the smallest level (Song 2021, algorithm 2's last denoising). For
    `finish`.

    Args:
        guided: whether the estimate is the guided one, or the prior's alone.
    """

    guided: bool = True
    place = "finish"
    cites: ClassVar[tuple[str, ...]] = ("vincent2011",)

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return guided if self.guided else 1

    def __call__(self, state: State, context: Context) -> State:
        k = context.levels.steps - 1
        if self.guided:
            return state.at(context.estimate(state.x, k).mean)
        return state.at(context.denoise(state.x, k))
