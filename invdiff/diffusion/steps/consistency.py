"""What the two kinds of data consistency share."""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.parameters import ConsistencyLength
from invdiff.diffusion.steps.base import State, Step


@dataclass(frozen=True)
class Consistency(Step):
    """x + lam B (target - A x), with the target alpha y, or alpha y + beta A z for fresh noise z of the state's kind.

    Args:
        lam: length of the step: 0 does nothing, 1 is the whole step.
        noised: whether the target carries the state's noise.

    Raises:
        InputError: lam is outside [0, 1].
    """

    lam: ConsistencyLength = 1.0
    noised: bool = False
    needs = frozenset({"measurement", "data"})

    @abstractmethod
    def towards(self, context: Context, alpha: float, w: Tensor) -> Tensor:
        """B (alpha y - A w)."""

    def __call__(self, state: State, context: Context) -> State:
        alpha, beta = context.levels.alpha[state.k], context.levels.beta[state.k]
        # alpha y + beta A z - A x = alpha y - A (x - beta z): one pass through the operator serves both
        w = state.x - beta * context.noise.like(state.x) if self.noised and beta > 0 else state.x
        return state.at(state.x + self.lam * self.towards(context, alpha, w))
