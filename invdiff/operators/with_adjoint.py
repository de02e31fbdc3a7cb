"""Linear functions outside of torch, differentiable by their adjoints."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Linear = Callable[[Tensor], Tensor]


def with_adjoint(function: Linear, adjoint: Linear, x: Tensor) -> Tensor:
    """``function(x)``, whose derivatives of any order, backward and forward, are those of a linear map.

    Args:
        function: complex-linear; sees no gradient.
        adjoint: the way back, exact under <u, v>.
        x: complex.
    """
    result: Tensor = _WithAdjoint.apply(x, function, adjoint)
    return result


class _WithAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, function: Linear, adjoint: Linear) -> Tensor:
        return function(x)

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Tensor, Linear, Linear], output: Tensor) -> None:
        _, context.function, context.adjoint = inputs

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return with_adjoint(context.adjoint, context.function, gradients[0]), None, None

    @staticmethod
    def jvp(context: Any, *tangents: Any) -> Tensor:
        return with_adjoint(context.function, context.adjoint, tangents[0])
