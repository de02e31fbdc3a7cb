"""Between a larger and a smaller field of view with the same centre."""

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.mask import Mask
from invdiff.operators.rules import PRODUCT, PULLBACK
from invdiff.operators.structure import Structure


def _offsets(large: Shape, small: Shape) -> list[int]:
    """Where the small array begins so that index n // 2 of both coincide."""
    if len(large) != len(small) or any(s > n for s, n in zip(small, large, strict=True)):
        raise InputError(
            f"Arrays of shape {small} don't fit inside {large}; the larger shape is named first by Crop, last by Pad."
        )
    return [n // 2 - s // 2 for n, s in zip(large, small, strict=True)]


def _cut(x: Tensor, large: Shape, small: Shape) -> Tensor:
    for axis, (start, length) in enumerate(zip(_offsets(large, small), small, strict=True), start=-len(small)):
        x = x.narrow(axis, start, length)
    return x.contiguous()


def _surround(x: Tensor, large: Shape, small: Shape) -> Tensor:
    pads = [(o, n - s - o) for o, n, s in zip(_offsets(large, small), large, small, strict=True)]
    return torch.nn.functional.pad(x, [p for pair in reversed(pads) for p in pair])


class Crop(LinearOperator, Frozen):
    """C: the central part of shape ``codomain_shape`` of arrays of shape ``domain_shape``. Its adjoint is `Pad`.

    Raises:
        InputError: the smaller shape does not fit into the larger.
    """

    large: Shape
    small: Shape
    symbol = "C"
    structure = Structure.CO_ISOMETRY
    preserves_reals = True

    def __post_init__(self) -> None:
        _offsets(self.large, self.small)

    @property
    def domain_shape(self) -> Shape:
        return self.large

    @property
    def codomain_shape(self) -> Shape:
        return self.small

    @property
    def H(self) -> "Pad":
        return Pad(self.small, self.large)

    def forward(self, x: Tensor) -> Tensor:
        return _cut(x, self.large, self.small)

    def adjoint(self, y: Tensor) -> Tensor:
        return _surround(y, self.large, self.small)


class Pad(LinearOperator, Frozen):
    """Cᴴ: arrays of shape ``small`` in the centre of zeros of shape ``large``. Its adjoint is `Crop`.

    Raises:
        InputError: the smaller shape does not fit into the larger.
    """

    small: Shape
    large: Shape
    symbol = "Cᴴ"
    structure = Structure.ISOMETRY
    preserves_reals = True

    def __post_init__(self) -> None:
        _offsets(self.large, self.small)

    @property
    def domain_shape(self) -> Shape:
        return self.small

    @property
    def codomain_shape(self) -> Shape:
        return self.large

    @property
    def H(self) -> Crop:
        return Crop(self.large, self.small)

    def forward(self, x: Tensor) -> Tensor:
        return _surround(x, self.large, self.small)

    def adjoint(self, y: Tensor) -> Tensor:
        return _cut(y, self.large, self.small)


@PRODUCT.rule(Crop, Pad, "C Cᴴ = I for the same shapes")
def _(left: Crop, right: Pad) -> LinearOperator | None:
    return Identity(left.small) if left.small == right.small else None


@PULLBACK.rule(Crop, Identity, "Cᴴ I C = Λ, the central part")
def _(operator: Crop, middle: Identity) -> LinearOperator:
    return Mask(operator.adjoint(torch.ones(operator.small)) == 1)


@PULLBACK.rule(Crop, Diagonal, "Cᴴ D C = D, surrounded by zeros")
def _(operator: Crop, middle: Diagonal) -> LinearOperator:
    return Diagonal(operator.adjoint(middle.spectrum))


@PULLBACK.rule(Pad, Diagonal, "C D Cᴴ = D, its central part")
def _(operator: Pad, middle: Diagonal) -> LinearOperator:
    return Diagonal(operator.adjoint(middle.spectrum))
