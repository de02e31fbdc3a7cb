"""No measurement at all."""

from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.frozen import Frozen
from invdiff.operators.structure import Structure


class Nothing(LinearOperator, Frozen):
    """x -> no number at all, for arrays of the given shape; its adjoint gives zeros."""

    shape: Shape
    structure = Structure.CO_ISOMETRY
    preserves_reals = True

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    @property
    def codomain_shape(self) -> Shape:
        return (0,)

    def forward(self, x: Tensor) -> Tensor:
        return x.new_zeros(*x.shape[: x.ndim - len(self.shape)], 0)

    def adjoint(self, y: Tensor) -> Tensor:
        return y.new_zeros(*y.shape[:-1], *self.shape)

    def __repr__(self) -> str:
        return f"nothing of {' x '.join(map(str, self.shape))}"
