"""Data consistency by a gradient step."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.consistency import Consistency


@dataclass(frozen=True)
class GradientConsistency(Consistency):
    """x + lam Aᴴ(alpha y - A x): the non-expansive data step of Chung & Ye 2022 (eq. 12 and algorithms 2 to 5); needs
    |A| <= 1.

    For P(Λ) F on complex images it is a projection; on real images it is the public code's "merge, transform back,
    real part"; for SENSE with normalised maps it is a step of gradient descent.
    """

    cites: ClassVar[tuple[str, ...]] = ("chung2022",)

    def towards(self, context: Context, alpha: float, w: Tensor) -> Tensor:
        return alpha * context.adjoint_y - context.operator.gram(w)
