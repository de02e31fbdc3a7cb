"""No move at all but to the next level."""

from dataclasses import dataclass

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class NextLevel(Predictor):
    """x' = (alpha' / alpha) x: the state is taken for one of the next level, as annealed Langevin dynamics does (Song
    2019, algorithm 1)."""

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return 0

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        return state.at(levels.alpha[k + 1] / levels.alpha[k] * state.x, k + 1)
