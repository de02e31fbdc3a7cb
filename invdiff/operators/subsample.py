"""P(Λ): the measured samples alone, as a vector."""

import torch
from torch import Tensor

from invdiff.operators.adjoint import Adjoint
from invdiff.operators.arrays import as_tensor
from invdiff.operators.base import LinearOperator, Shape, same, size
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift
from invdiff.operators.mask import Mask, check_mask
from invdiff.operators.remembered import remembered
from invdiff.operators.rules import PRODUCT, PULLBACK
from invdiff.operators.structure import Structure


class Subsample(LinearOperator, Frozen):
    """P(Λ), the dimensionality reduction of Song 2021, eq. (3): the samples at which ``mask`` is true, in row-major
    order.

    ``P(Λ)(kspace)`` equals ``kspace[..., mask]``.

    Raises:
        InputError: the mask is not boolean or keeps nothing.
    """

    mask: Tensor
    symbol = "P(Λ)"
    structure = Structure.CO_ISOMETRY
    preserves_reals = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", as_tensor(self.mask, self))
        check_mask(self.mask)

    @property
    def domain_shape(self) -> Shape:
        return tuple(self.mask.shape)

    @remembered
    def index(self) -> Tensor:
        """Flat positions of the samples kept."""
        return self.mask.flatten().nonzero().flatten()

    @property
    def codomain_shape(self) -> Shape:
        return (self.index.numel(),)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(x.ndim - self.mask.ndim).index_select(-1, self.index)

    def adjoint(self, y: Tensor) -> Tensor:
        full = y.new_zeros(*y.shape[:-1], size(self.domain_shape))
        filled: Tensor = full.index_copy_(-1, self.index, y).unflatten(-1, self.domain_shape)
        return filled


@PRODUCT.rule(Adjoint, Subsample, "P(Λ)ᴴ P(Λ) = Λ")
def _(left: Adjoint, right: Subsample) -> LinearOperator | None:
    return Mask(right.mask) if same(left.operator, right) else None


@PRODUCT.rule(Subsample, Subsample, "P(Λ₂) P(Λ₁) = P(Λ₁'s samples that Λ₂ keeps)")
def _(left: Subsample, right: Subsample) -> LinearOperator:
    kept = torch.zeros_like(right.mask).flatten()
    kept[right.index[left.mask]] = True
    return Subsample(kept.reshape(right.mask.shape))


@PRODUCT.rule(Subsample, Mask, "P(Λ) Λ = P(Λ)")
def _(left: Subsample, right: Mask) -> LinearOperator | None:
    return left if same(left.mask, right.values) else None


@PRODUCT.rule(Mask, Adjoint, "Λ P(Λ)ᴴ = P(Λ)ᴴ")
def _(left: Mask, right: Adjoint) -> LinearOperator | None:
    inner = right.operator
    return right if isinstance(inner, Subsample) and same(left.values, inner.mask) else None


@PULLBACK.rule(Subsample, Identity, "P(Λ)ᴴ I P(Λ) = Λ")
def _(operator: Subsample, identity: Identity) -> LinearOperator:
    return Mask(operator.mask)


@PULLBACK.rule(Subsample, Diagonal, "P(Λ)ᴴ D P(Λ) = D on the samples kept, 0 elsewhere")
def _(operator: Subsample, middle: Diagonal) -> LinearOperator:
    return Diagonal(operator.adjoint(middle.spectrum))


@PULLBACK.rule(Lift, Diagonal, "(I ⊗ P(Λ))ᴴ D (I ⊗ P(Λ)) = D on the samples kept of each, 0 elsewhere")
def _(operator: Lift, middle: Diagonal) -> LinearOperator | None:
    return Diagonal(operator.adjoint(middle.spectrum)) if isinstance(operator.operator, Subsample) else None


@PULLBACK.rule(Adjoint, Diagonal, "P(Λ) D P(Λ)ᴴ = D, the samples kept")
def _(operator: Adjoint, middle: Diagonal) -> LinearOperator | None:
    inner = operator.operator
    return Diagonal(inner.forward(middle.spectrum)) if isinstance(inner, Subsample) else None
