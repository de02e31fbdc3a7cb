"""The last denoising."""

from dataclasses import dataclass

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import State, Step


@dataclass(frozen=True)
class Tweedie(Step):
    """x = E[x_0 | x], taking x to carry the noise of the smallest level (Song 2021, algorithm 2's last denoising). For
    `finish`."""

    def network_calls(self, k: int, steps: int) -> int:
        return 1

    def __call__(self, state: State, context: Context) -> State:
        return state.at(context.estimate(state.x, context.levels.steps - 1).mean)
