"""The probability-flow ODE, by Heun's method."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class ProbabilityFlow(Predictor):
    """One Heun step of d(x / alpha) / d sigma = (x - alpha x_0) / beta, with x_0 of the estimate (Karras 2022,
    algorithm 1; Song 2020, eq. 13).

    Two network calls a step, one for the last. Deterministic.
    """

    cites: ClassVar[tuple[str, ...]] = ("song2020", "karras2022")

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return 2 * guided if k + 1 < steps else guided

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        interval = levels.sigma(k + 1) - levels.sigma(k)
        start, slope = state.x / levels.alpha[k], _slope(state.x, k, context)
        x = levels.alpha[k + 1] * (start + interval * slope)
        if k + 1 < levels.steps:
            slope = (slope + _slope(x, k + 1, context)) / 2
            x = levels.alpha[k + 1] * (start + interval * slope)
        return state.at(x, k + 1)


def _slope(x: Tensor, k: int, context: Context) -> Tensor:
    # what the guided mean leaves: `Proximal` may leave the network's noise as it was, and with it the flow
    return (x - context.levels.alpha[k] * context.estimate(x, k).mean) / context.levels.beta[k]
