"""Operators as linear operators of the MRpro library, which this module imports."""

from mrpro.operators import LinearOperator as MrproLinearOperator
from torch import Tensor

from invdiff.operators import LinearOperator


class OperatorOfMrpro(MrproLinearOperator):  # type: ignore[misc] # MRpro is not always there to tell its types
    """An operator as a ``mrpro.operators.LinearOperator``. Build it by `to_mrpro`.

    Args:
        operator: any.
    """

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__()
        self.operator = operator

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """(A x,)."""
        return (self.operator(x),)

    def adjoint(self, y: Tensor) -> tuple[Tensor]:
        """(Aᴴ y,)."""
        return (self.operator.H(y),)

    @property
    def gram(self) -> "OperatorOfMrpro":
        """Aᴴ A."""
        return OperatorOfMrpro(self.operator.gram)
