"""The probability-flow ODE, by Heun's method."""

from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class ProbabilityFlow(Predictor):
    """One Heun step of d(x / alpha) / d sigma = z, the noise of the estimate (Karras 2022, algorithm 1; Song 2020, eq.
    13).

    Two network calls a step, one for the last. Deterministic.
    """

    cites: ClassVar[tuple[str, ...]] = ("song2020", "karras2022")

    def network_calls(self, k: int, steps: int) -> int:
        return 2 if k + 1 < steps else 1

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        interval = levels.sigma(k + 1) - levels.sigma(k)
        start, slope = state.x / levels.alpha[k], context.estimate(state.x, k).noise
        x = levels.alpha[k + 1] * (start + interval * slope)
        if k + 1 < levels.steps:
            slope = (slope + context.estimate(x, k + 1).noise) / 2
            x = levels.alpha[k + 1] * (start + interval * slope)
        return state.at(x, k + 1)
