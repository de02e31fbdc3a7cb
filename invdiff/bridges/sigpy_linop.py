"""Operators as linear operators of the SigPy library, which this module imports."""

from typing import Any

import torch
from sigpy.linop import Linop

from invdiff.bridges.numpy_operator import Arrays
from invdiff.operators import LinearOperator


class OperatorLinop(Linop):  # type: ignore[misc] # SigPy carries no types
    """An operator as a ``sigpy.linop.Linop``. Build it by `to_sigpy`.

    Args:
        operator: linear over the complex numbers, or between real arrays.
    """

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__(operator.codomain_shape, operator.domain_shape, repr(operator))
        self.operator = operator

    def _apply(self, input: Arrays) -> Arrays:
        with torch.no_grad():
            made: Arrays = self.operator(input).numpy()
        return made

    def _adjoint_linop(self) -> Any:
        return OperatorLinop(self.operator.H)

    def _normal_linop(self) -> Any:
        return OperatorLinop(self.operator.gram)
