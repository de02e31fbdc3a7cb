"""Physics of the deepinv library as operators."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import FunctionType
from typing import Any, Self

import torch
from torch import Tensor, nn

from invdiff.operators import LinearOperator, Shape


@dataclass(frozen=True, eq=False, repr=False)
class DeepinvOperator(LinearOperator):
    """A ``deepinv.physics.LinearPhysics`` on real images. Build it by `from_deepinv`, which checks it.

    Args:
        physics: as `quiet_copy` makes them.
        image: the shape of an image, (H, W) where there is one channel.
        measurement: the shape of a measurement.
    """

    physics: Any
    image: Shape
    measurement: Shape
    real_domain = True
    real_codomain = True
    preserves_reals = True
    is_complex_linear = False

    @property
    def domain_shape(self) -> Shape:
        return self.image

    @property
    def codomain_shape(self) -> Shape:
        return self.measurement

    def forward(self, x: Tensor) -> Tensor:
        images = x.unsqueeze(-3) if len(self.image) == 2 else x
        return self._of_batch(self._used.A, images, x.shape[: x.ndim - len(self.image)], self.measurement)

    def adjoint(self, y: Tensor) -> Tensor:
        return self._of_batch(self._used.A_adjoint, y, y.shape[: y.ndim - len(self.measurement)], self.image)

    def _of_batch(self, function: Callable[[Tensor], Tensor], x: Tensor, batch: Shape, made: Shape) -> Tensor:
        """What deepinv's function makes of each item; of none, which many of its physics can't take, nothing."""
        if 0 in batch:
            return x.new_zeros(*batch, *made)
        items = x.reshape(-1, *x.shape[len(batch) :]).to(number_of(self._used).dtype)
        return function(items).reshape(*batch, *made).to(x.dtype)

    @cached_property
    def _used(self) -> Any:
        """The physics that are called: they may remember what can't be copied."""
        return copy.deepcopy(self.physics)

    def to(self, device: torch.device | str) -> Self:
        return replace(self, physics=copy.deepcopy(self.physics).to(device))

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __repr__(self) -> str:
        return type(self.physics).__name__


def quiet_copy(physics: Any) -> Any:
    """Physics that share nothing with those given, without noise and random numbers, so that they can be copied and,
    where deepinv allows, pickled."""
    try:
        copied = copy.deepcopy(physics)
    except TypeError:  # generators can't be copied so; clone can, but searches everything for them
        copied = physics.clone()
    copied.noise_model = nn.Identity()
    if hasattr(copied, "_auto_grad_adjoint_fn"):
        copied._auto_grad_adjoint_fn = None  # Tomography's, once it was used: it calls the physics that were copied
    for module in copied.modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Generator):
                vars(module)[name] = None
            elif isinstance(value, FunctionType) and value.__code__.co_code == _identity.__code__.co_code:
                vars(module)[name] = _identity
    return copied


def number_of(physics: Any) -> Tensor:
    """One of the numbers of physics: it has the precision in which they compute, and is where they do."""
    numbers: list[Tensor] = [buffer for buffer in physics.buffers() if buffer.is_floating_point()]
    return numbers[0]


def _identity(x: Any, *_: Any, **__: Any) -> Any:
    return x
