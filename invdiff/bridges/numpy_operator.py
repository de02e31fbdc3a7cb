"""Operators of libraries that compute with NumPy."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from invdiff.bridges.foreign import Foreign
from invdiff.errors import InputError
from invdiff.operators.arrays import as_tensor
from invdiff.operators.frozen import Frozen

Arrays = NDArray[np.inexact]
Function = Callable[[Arrays], Arrays]


class NumpyOperator(Foreign, Frozen):
    """A base for operators of libraries that compute with NumPy, in memory: tensors of any device go there and back,
    and gradients by the adjoint."""

    @abstractmethod
    def arrays(self, items: Arrays) -> Arrays:
        """What the library makes of ``items`` ``(count, *domain)``."""

    @abstractmethod
    def arrays_by_adjoint(self, items: Arrays) -> Arrays:
        """What the library's adjoint makes of ``items`` ``(count, *codomain)``."""

    def made(self, items: Tensor) -> Tensor:
        made: Tensor = _InNumpy.apply(items, self.arrays, self.arrays_by_adjoint)
        return made

    def made_by_adjoint(self, items: Tensor) -> Tensor:
        made: Tensor = _InNumpy.apply(items, self.arrays_by_adjoint, self.arrays)
        return made


class _InNumpy(torch.autograd.Function):
    """A linear function of NumPy arrays, whose gradient is its adjoint; and so on."""

    @staticmethod
    def forward(x: Tensor, function: Function, adjoint: Function) -> Tensor:
        return as_tensor(np.asarray(function(x.resolve_conj().resolve_neg().cpu().numpy())), function).to(x.device)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Function, Function], output: Tensor) -> None:
        x, ctx.function, ctx.adjoint = inputs
        ctx.is_complex = x.is_complex()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        back = _InNumpy.apply(gradient, ctx.adjoint, ctx.function)
        return back if ctx.is_complex else back.real, None, None


def tensor_dtype(dtype: DTypeLike, name: str) -> torch.dtype:
    """A tensor's numbers of NumPy's kind; of integers, floating-point ones.

    Args:
        dtype: of arrays.
        name: of what they are declared for, for messages.

    Raises:
        InputError: tensors have no such numbers.
    """
    try:
        return torch.from_numpy(np.empty(0, np.result_type(dtype, np.float32))).dtype
    except TypeError as error:
        raise InputError(f"{name} can't be of {dtype!r}; declare one such as numpy.complex64.") from error
