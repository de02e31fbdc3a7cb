"""Several measurements of one image."""

from functools import reduce

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import Array, as_tensor
from invdiff.operators.base import LinearOperator, Shape, size
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.rules import PULLBACK


class Stack(LinearOperator, Frozen):
    """[A; B; ...]: every operator applied to the same array, the results flattened and joined into one vector.

    `join` makes such a vector of the single measurements, `split` takes it apart.

    Args:
        operators: a tuple of operators with one domain.

    Raises:
        InputError: there is none, or their domains differ.
    """

    operators: tuple[LinearOperator, ...]

    def __post_init__(self) -> None:
        if len({(a.domain_shape, a.real_domain) for a in self.operators}) != 1:
            raise InputError("A Stack needs operators that all take the same arrays.")

    @property
    def domain_shape(self) -> Shape:
        return self.operators[0].domain_shape

    @property
    def codomain_shape(self) -> Shape:
        return (sum(size(a.codomain_shape) for a in self.operators),)

    @property
    def real_domain(self) -> bool:
        return self.operators[0].real_domain

    @property
    def real_codomain(self) -> bool:
        return all(a.real_codomain for a in self.operators)

    @property
    def preserves_reals(self) -> bool:
        return all(a.preserves_reals for a in self.operators)

    @property
    def is_complex_linear(self) -> bool:
        return all(a.is_complex_linear for a in self.operators)

    def join(self, *parts: Array) -> Tensor:
        """The measurements ``(*batch, *codomain_shape_i)`` as one vector ``(*batch, sum of sizes)``."""
        if len(parts) != len(self.operators):
            raise InputError(f"{self!r} joins {len(self.operators)} measurements but got {len(parts)}.")
        tensors = [as_tensor(y, self) for y in parts]
        batch = (y.ndim - len(a.codomain_shape) for y, a in zip(tensors, self.operators, strict=True))
        return torch.cat(
            [y.flatten(n) if y.ndim > n else y.unsqueeze(-1) for y, n in zip(tensors, batch, strict=True)], dim=-1
        )

    def split(self, y: Tensor) -> list[Tensor]:
        """The inverse of `join`."""
        shapes = [a.codomain_shape for a in self.operators]
        pieces = y.split([size(shape) for shape in shapes], dim=-1)
        return [piece.reshape(y.shape[:-1] + shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def forward(self, x: Tensor) -> Tensor:
        return self.join(*(a.forward(x) for a in self.operators))

    def adjoint(self, y: Tensor) -> Tensor:
        parts = [
            a.adjoint(piece.real if a.real_codomain and piece.is_complex() else piece)
            for a, piece in zip(self.operators, self.split(y), strict=True)
        ]
        return reduce(torch.add, parts)

    def __repr__(self) -> str:
        return f"[{'; '.join(map(repr, self.operators))}]"


@PULLBACK.rule(Stack, Identity, "[A; B]ᴴ I [A; B] = Aᴴ A + Bᴴ B")
def _(operator: Stack, middle: Identity) -> LinearOperator:
    return reduce(
        lambda left, right: left + right, [a.pullback(Identity(a.codomain_shape)) for a in operator.operators]
    )
