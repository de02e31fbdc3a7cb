"""A⁺ A: the part of an image that was measured."""

from dataclasses import dataclass

from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift, lift
from invdiff.operators.spectral import pseudo_inverse
from invdiff.operators.structure import Structure


@dataclass(frozen=True, eq=False, repr=False)
class RowProjection(LinearOperator):
    """A⁺ A, with the pseudo-inverse computed each time. Build it as ``A.row_projection``."""

    operator: LinearOperator
    structure = Structure.PROJECTION

    @property
    def domain_shape(self) -> Shape:
        return self.operator.domain_shape

    @property
    def codomain_shape(self) -> Shape:
        return self.operator.domain_shape

    @property
    def real_domain(self) -> bool:
        return self.operator.real_domain

    @property
    def real_codomain(self) -> bool:
        return self.operator.real_domain

    @property
    def preserves_reals(self) -> bool:
        return self.operator.preserves_reals

    @property
    def is_complex_linear(self) -> bool:
        return self.operator.is_complex_linear

    def forward(self, x: Tensor) -> Tensor:
        return self.operator.pinv(self.operator.forward(x))

    def adjoint(self, y: Tensor) -> Tensor:
        return self.forward(y)

    def __repr__(self) -> str:
        return f"({self.operator!r})⁺ {self.operator!r}"


def row_projection(operator: LinearOperator) -> LinearOperator:
    """See `LinearOperator.row_projection`."""
    if operator.is_isometry:
        return Identity(operator.domain_shape)
    gram = operator.gram.spectral_part
    if gram is None:
        return RowProjection(operator)
    seen = gram.map_spectrum(lambda spectrum: (pseudo_inverse(spectrum) != 0).double())
    return lift(operator.gram.prefix, seen) if isinstance(operator.gram, Lift) else seen
