"""Between this package and MRpro's linear operators."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from invdiff.bridges.foreign import Foreign
from invdiff.bridges.torch import device_of, moved, quiet
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, Shape
from invdiff.operators.frozen import Frozen

if TYPE_CHECKING:
    from invdiff.bridges.mrpro_operator import OperatorOfMrpro


class MrproOperator(Foreign, Frozen):
    """A ``mrpro.operators.LinearOperator``. Build it by `from_mrpro`, which checks it.

    Args:
        linear_operator: MRpro's, which gives tuples of one tensor.
    """

    linear_operator: Any

    @property
    def device(self) -> torch.device:
        return device_of(self.linear_operator)

    def made(self, items: Tensor) -> Tensor:
        made: Tensor
        (made,) = self.linear_operator(items)
        return made

    def made_by_adjoint(self, items: Tensor) -> Tensor:
        made: Tensor
        (made,) = self.linear_operator.adjoint(items)
        return made

    def to(self, device: torch.device | str) -> Self:
        return replace(self, linear_operator=moved(self.linear_operator, device))

    def __repr__(self) -> str:
        return type(self.linear_operator).__name__


def from_mrpro(linear_operator: Any, domain_shape: Shape, *, dtype: torch.dtype = torch.complex64) -> LinearOperator:
    """A ``mrpro.operators.LinearOperator`` as an operator.

    It is called with batches ``(count, *domain_shape)``, so the shapes are MRpro's without its ``other`` axes: images
    are ``(1, z, y, x)`` and coil images ``(coils, z, y, x)``. The operator has a copy.

    Args:
        linear_operator: MRpro's: ``FourierOp``, ``SensitivityOp``, their composition, ...
        domain_shape: of an item.
        dtype: of the tensors that it is to be given.

    Raises:
        InputError: it is no such operator, does not take such tensors, is not linear, or its adjoint is not one.
    """
    name = type(linear_operator).__name__
    if not (isinstance(linear_operator, nn.Module) and callable(getattr(linear_operator, "adjoint", None))):
        raise InputError(f"from_mrpro takes a mrpro.operators.LinearOperator; {name} is none.")
    A = MrproOperator(tuple(domain_shape), (), dtype, dtype, False, quiet(linear_operator))
    return A.checked(name, "mend its adjoint")


def to_mrpro(A: LinearOperator) -> "OperatorOfMrpro":
    """An operator as a ``mrpro.operators.LinearOperator``, for MRpro's algorithms: ``A(x)`` is a tuple of one tensor,
    ``A.H`` the adjoint, and ``A.gram`` the gram in the fastest form known.

    The adjoint is exact under Re<u, v>, and where A is linear over the complex numbers under <u, v>. It computes in the
    precision of what it is given. Its tensors stay where A has them: move A first.

    Raises:
        InputError: MRpro is not installed.
    """
    try:
        from invdiff.bridges.mrpro_operator import OperatorOfMrpro
    except ModuleNotFoundError as error:
        raise InputError("to_mrpro makes an operator of MRpro, which is not installed; pip install mrpro.") from error
    return OperatorOfMrpro(A)
