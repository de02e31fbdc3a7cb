"""Coil images learn of each other."""

from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.parameters import FirstSenseLength, LastSenseLength
from invdiff.diffusion.steps.base import State, Step
from invdiff.operators import Sensitivities


@dataclass(frozen=True)
class SenseStep(Step):
    """x_c + lam S_c Aᴴ(alpha y - A Sᴴ x) for the SENSE operator A: the hybrid step of Chung & Ye 2022 (algorithm 5).

    What the coils' combination lacks is added to every coil's image. The images are not replaced by S_c times the
    combination, which would take away most of their noise while the network is told that it is there. For c A and
    c y it is the step of A and y.

    Args:
        first: lam in the first iteration.
        last: towards what it goes, in even steps: lam = first + (last - first) k / N.

    Raises:
        InputError: either is outside [0, 1].
    """

    first: FirstSenseLength = 1.0
    last: LastSenseLength = 0.2
    needs = frozenset({"measurement", "data", "coil images", "coil maps", "complex images"})
    cites: ClassVar[tuple[str, ...]] = ("chung2022", "pruessmann1999")

    def __call__(self, state: State, context: Context) -> State:
        levels, k, operator = context.levels, state.k, context.problem.operator
        lam = self.first + (self.last - self.first) * k / levels.steps
        kspace, sensitivities = operator.peel(Sensitivities)
        k_norm, s_norm = kspace.norm_bound(), sensitivities.norm_bound()
        combined = sensitivities.H(state.x) / s_norm**2
        residual = levels.alpha[k] * context.problem.zero_filled - operator.gram(combined)
        return state.at(state.x + lam / (k_norm * s_norm) ** 2 * sensitivities(residual))
