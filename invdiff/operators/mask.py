"""Λ: which samples were measured."""

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.base import LinearOperator, same
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.frozen import Frozen
from invdiff.operators.rules import PRODUCT


class Mask(Diagonal, Frozen):
    """Λ: keeps the samples where the boolean array ``values`` is true and sets the others to zero.

    Raises:
        InputError: the mask is not boolean.
    """

    symbol = "Λ"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_mask(self.values)


def check_mask(mask: Tensor) -> None:
    """Raise an InputError unless the mask is boolean and keeps something."""
    if mask.dtype != torch.bool:
        raise InputError(f"A mask is a boolean array but got {mask.dtype}; compare it with zero first: mask != 0.")
    if not bool(mask.any()):
        raise InputError("The mask keeps no sample at all, so there is nothing to reconstruct from.")


@PRODUCT.rule(Mask, Mask, "Λ Λ = Λ")
def _(left: Mask, right: Mask) -> LinearOperator | None:
    return left if same(left, right) else None
