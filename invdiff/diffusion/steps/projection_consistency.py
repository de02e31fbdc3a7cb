"""Data consistency by projection."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import torch
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
    cites: ClassVar[tuple[str, ...]] = ("song2021",)

    def check(self, context: Context) -> None:
        if self.lam == 1 and _is_injective(context):
            warnings.warn(
                f"{context.operator!r} can be inverted on its range, so ProjectionConsistency(1) is least squares "
                "whatever the prior says; use lam < 1 or GradientConsistency.",
                stacklevel=2,
            )

    def towards(self, context: Context, alpha: float, w: Tensor) -> Tensor:
        return alpha * context.pinv_y - context.operator.row_projection(w)


def _is_injective(context: Context) -> bool:
    """Whether A⁺ A w = w for an arbitrary state w, to the accuracy of conjugate gradients."""
    w = torch.ones_like(context.adjoint_y)
    w = w * torch.linspace(1, 2, w.numel(), dtype=w.dtype.to_real(), device=w.device).sin().reshape(w.shape)
    return bool(torch.linalg.vector_norm(context.operator.row_projection(w) - w) < 1e-2 * torch.linalg.vector_norm(w))
