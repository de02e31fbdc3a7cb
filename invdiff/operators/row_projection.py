"""A⁺ A: the part of an image that was measured."""

from torch import Tensor

from invdiff.operators.base import LinearOperator
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift, lift
from invdiff.operators.spectral import pseudo_inverse
from invdiff.operators.structure import Structure
from invdiff.operators.wrapper import Wrapper


class RowProjection(Endomorphism, Wrapper, Frozen):
    """A⁺ A, with the pseudo-inverse computed each time. Build it as ``A.row_projection``."""

    operator: LinearOperator
    structure = Structure.PROJECTION

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
