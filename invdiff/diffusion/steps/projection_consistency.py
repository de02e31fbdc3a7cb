"""Data consistency by projection."""

from dataclasses import dataclass

from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.consistency import Consistency


@dataclass(frozen=True)
class ProjectionConsistency(Consistency):
    """x + lam A⁺(y_t - A x), y_t = alpha y + beta A z: the proximal step of Song 2021, eq. (6) and (7), which it
    equals for A = P(Λ) T with unitary T on complex images.

    Where A is injective, as SENSE often is, lam = 1 is the least-squares solution whatever the prior said: use less, or
    `GradientConsistency`.
    """

    noised: bool = True

    def towards(self, context: Context, alpha: float, w: Tensor) -> Tensor:
        return alpha * context.pinv_y - context.operator.row_projection(w)
