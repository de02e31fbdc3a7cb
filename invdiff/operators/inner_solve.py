"""How the linear systems inside of guidance and starts are solved."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from invdiff.operators import LinearOperator
from invdiff.operators.trace import Trace
from invdiff.within import BELOW_ONE, Within, at_least, check_within

Tolerance = Annotated[
    float, Within(1e-15, BELOW_ONE, "relative residual that ends conjugate gradients", (1e-5, 1e-2), log=True)
]
ConjugateGradientSteps = Annotated[int, at_least(1, "largest number of conjugate-gradient steps", (3, 300), log=True)]


class InnerSolve(ABC):
    """Solves A x = b for positive A, from a guess of x."""

    def __post_init__(self) -> None:
        check_within(type(self), vars(self))

    @abstractmethod
    def __call__(self, operator: LinearOperator, b: Tensor, guess: Tensor, trace: Trace) -> Tensor:
        """x, from ``guess``; conjugate gradients are told to the trace."""


@dataclass(frozen=True)
class Converged(InnerSolve):
    """Conjugate gradients until |b - A x| <= tolerance |b|, preconditioned by the nearest circulant operator where that
    is known and A positive definite. What is left unsolved after ``at_most`` iterations is warned of.

    Args:
        tolerance: the relative residual to be reached.
        at_most: iterations after which the rest is given up.

    Raises:
        InputError: the tolerance is not from 1e-15 to below 1, or at_most not at least one.
    """

    tolerance: Tolerance = 1e-3
    at_most: ConjugateGradientSteps = 100

    def __call__(self, operator: LinearOperator, b: Tensor, guess: Tensor, trace: Trace) -> Tensor:
        return operator.solve(
            b,
            initial=guess,
            tol=self.tolerance,
            max_iter=self.at_most,
            preconditioner=operator.preconditioner,
            report=trace.solves.append,
        )


@dataclass(frozen=True)
class Truncated(InnerSolve):
    """A few conjugate-gradient iterations from the guess and no more: an early end is a part of the method, as in DDS
    (Chung 2024), so the trace does not count it as unsolved.

    Raises:
        InputError: steps is not at least one.
    """

    steps: ConjugateGradientSteps = 5

    def __call__(self, operator: LinearOperator, b: Tensor, guess: Tensor, trace: Trace) -> Tensor:
        return operator.solve(
            b,
            initial=guess,
            max_iter=self.steps,
            report=lambda solved: trace.solves.append(solved._replace(converged=True)),
        )
