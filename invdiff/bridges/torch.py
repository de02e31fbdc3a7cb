"""From linear functions and modules of torch to operators."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Self, TypeVar

import torch
from torch import Tensor, nn

from invdiff.bridges.foreign import Foreign
from invdiff.operators import LinearOperator, Shape
from invdiff.operators.frozen import Frozen

Function = Callable[[Tensor], Tensor]
Held = TypeVar("Held")


class TorchOperator(Foreign, Frozen):
    """A linear function of tensors ``(count, *domain)``. Build it by `from_torch`, which checks it.

    Args:
        function: the way there.
        adjoint_function: the way back; ``None``: by automatic differentiation.
    """

    function: Function
    adjoint_function: Function | None

    @property
    def device(self) -> torch.device:
        numbers = (
            (*self.function.parameters(), *self.function.buffers()) if isinstance(self.function, nn.Module) else ()
        )
        return next((number.device for number in numbers), super().device)

    def made(self, items: Tensor) -> Tensor:
        return self.function(items)

    def made_by_adjoint(self, items: Tensor) -> Tensor:
        if self.adjoint_function is not None:
            return self.adjoint_function(items)
        at = items.new_zeros(len(items), *self.domain, dtype=self.dtype)
        transposed = torch.func.vjp(self.function, at)[1]
        made: Tensor = transposed(items)[0]
        return made

    def to(self, device: torch.device | str) -> Self:
        return replace(
            self, function=moved(self.function, device), adjoint_function=moved(self.adjoint_function, device)
        )

    def __repr__(self) -> str:
        return _name(self.function)


def from_torch(
    function: Function,
    domain_shape: Shape,
    *,
    adjoint: Function | None = None,
    dtype: torch.dtype = torch.complex64,
) -> LinearOperator:
    """A linear function of tensors, or a module, as an operator.

    It is called with batches ``(count, *domain_shape)`` of the declared dtype, as modules are. Of modules the operator
    has copies, in evaluation mode and without gradients of their parameters. Functions of the top level of a module can
    be pickled, lambdas can't.

    Args:
        function: makes an array of each item, of the same shape for all; on the module's device, else on the CPU and,
            where it takes them, others.
        domain_shape: of an item.
        adjoint: the way back, exact under Re<u, v>; ``None``: by automatic differentiation, which costs one more way
            there. It has to be given for what is computed outside of torch.
        dtype: of the tensors that it is to be given. Where it makes real tensors of real ones and real numbers are
            declared, the operator takes complex ones as well, part by part.

    Raises:
        InputError: it does not take such tensors, does not make one of each item, is not linear (as biases and
            activations make modules), or has no adjoint, or what is given as one is none.
    """
    domain, name = tuple(domain_shape), _name(function)
    A = TorchOperator(domain, (), dtype, dtype, False, quiet(function), quiet(adjoint))
    return A.checked(name, "give the right one as adjoint=, or make the function differentiable")


def quiet(function: Held) -> Held:
    """A copy of a module, in evaluation mode and without gradients of its parameters; other functions as they are."""
    return copy.deepcopy(function).eval().requires_grad_(False) if isinstance(function, nn.Module) else function


def moved(function: Held, device: torch.device | str) -> Held:
    """A copy of a module on another device; other functions as they are."""
    return copy.deepcopy(function).to(device) if isinstance(function, nn.Module) else function


def device_of(function: object) -> torch.device:
    """Where a module's numbers are; the CPU of what has none."""
    numbers = (*function.parameters(), *function.buffers()) if isinstance(function, nn.Module) else ()
    return next((number.device for number in numbers), torch.device("cpu"))


def _name(function: Function) -> str:
    return getattr(function, "__name__", type(function).__name__)
