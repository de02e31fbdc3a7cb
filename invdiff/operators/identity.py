"""The identity."""

from typing import Any

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.frozen import Frozen
from invdiff.operators.rules import PRODUCT, PULLBACK
from invdiff.operators.spectral import Map, Spectral
from invdiff.operators.structure import Structure


class Identity(Spectral, Frozen):
    """x -> x on arrays of the given shape."""

    shape: Shape
    symbol = "I"
    structure = Structure.UNITARY | Structure.PROJECTION | Structure.DIAGONAL
    preserves_reals = True

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    def forward(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        return y

    def nearest_circulant(self) -> LinearOperator:
        return self

    def _lifted(self, prefix: Shape) -> LinearOperator:
        return Identity(prefix + self.shape)

    def _unlifted(self, prefix: Shape) -> LinearOperator | None:
        shared = len(prefix)
        return Identity(self.shape[shared:]) if self.shape[:shared] == prefix else None

    @property
    def spectrum(self) -> Tensor:
        return torch.ones((), dtype=torch.float64)

    def map_spectrum(self, function: Map) -> Any:
        return function(self.spectrum).item() * self


@PRODUCT.rule(Identity, LinearOperator, "I A = A")
def _(identity: Identity, operator: LinearOperator) -> LinearOperator:
    return operator


@PRODUCT.rule(LinearOperator, Identity, "A I = A")
def _(operator: LinearOperator, identity: Identity) -> LinearOperator:
    return operator


@PULLBACK.rule(Identity, LinearOperator, "I M I = M")
def _(identity: Identity, middle: LinearOperator) -> LinearOperator:
    return middle


@PULLBACK.rule(LinearOperator, Identity, "Aᴴ I A = I where A is an isometry")
def _(operator: LinearOperator, identity: Identity) -> LinearOperator | None:
    return Identity(operator.domain_shape) if operator.is_isometry else None
