"""Diffusion posterior sampling."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from invdiff.diffusion.guidance.base import Denoise, Estimate, Guidance
from invdiff.diffusion.guidance.likelihood import shifted
from invdiff.diffusion.guidance.linearised import Linearised
from invdiff.diffusion.norms import norms
from invdiff.diffusion.parameters import StepTowardsData

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context


@dataclass(frozen=True)
class DPS(Guidance):
    """The likelihood's score (r / v) zeta Jᴴ Aᴴ(y - A x_0) / ||y - A x_0||, J = d x_0 / d x (Chung 2023, algorithm 1,
    line 7), with r and v of `Levels.kernel`: `Ancestral` then moves to its own x' less zeta times the gradient of ||y -
    A x_0|| at x, as the paper does, whatever the level. Other predictors make of it what they make of a score.

    The norm is that of each sample (the public code: of the batch).

    Args:
        zeta: length of the step towards the data, in units of the image.

    Raises:
        InputError: zeta is negative; when the prior is asked, no gradient passes through it.
    """

    zeta: StepTowardsData = 1.0
    cites: ClassVar[tuple[str, ...]] = ("chung2023",)

    @property
    def needs(self) -> frozenset[str]:
        return super().needs | {"density"}

    def __call__(self, prior: Denoise, x: Tensor, k: int, context: "Context") -> Estimate:
        made, (r, v) = Linearised.of(prior, x), context.levels.kernel(k)
        residual = context.y - context.operator(made.estimate.mean)
        length = norms(residual).reshape(-1, *[1] * (x.ndim - 1))
        towards = made.adjoint(context.operator.H(residual)) / length.where(length > 0, 1)
        return shifted(made.estimate, (self.zeta * r / v if v > 0 else 0.0) * towards, k, context)
