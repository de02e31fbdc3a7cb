"""Circular convolution: what a diagonal in k-space is in the image."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape, in_precision_of, same
from invdiff.operators.rules import PRODUCT, SUM
from invdiff.operators.scaled import ScaledIdentity
from invdiff.operators.spectral import Map, Spectral
from invdiff.operators.structure import Structure


@dataclass(frozen=True, eq=False, repr=False)
class Circulant(Spectral):
    """Fᴴ D F over ``axes``, without shifts: a circular convolution commutes with them.

    Args:
        shape: shape of the arrays.
        multiplier: D with frequency zero first; its shape broadcasts to ``shape``.
        axes: the axes transformed, counted from the end.
    """

    shape: Shape
    multiplier: Tensor
    axes: tuple[int, ...]
    symbol = "Fᴴ D F"

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    @property
    def codomain_shape(self) -> Shape:
        return self.shape

    @cached_property
    def structure(self) -> Structure:  # type: ignore[override]
        from invdiff.operators.diagonal import Diagonal

        return Diagonal(self.multiplier).structure & ~Structure.DIAGONAL

    @property
    def H(self) -> LinearOperator:
        return self if self.is_self_adjoint else self.map_spectrum(lambda spectrum: spectrum.conj().resolve_conj())

    def forward(self, x: Tensor) -> Tensor:
        multiplier = in_precision_of(x, self.multiplier)
        return torch.fft.ifftn(torch.fft.fftn(x, dim=self.axes) * multiplier, dim=self.axes)

    def adjoint(self, y: Tensor) -> Tensor:
        multiplier = in_precision_of(y, self.multiplier).conj()
        return torch.fft.ifftn(torch.fft.fftn(y, dim=self.axes) * multiplier, dim=self.axes)

    @property
    def spectrum(self) -> Tensor:
        return self.multiplier

    def map_spectrum(self, function: Map) -> LinearOperator:
        return type(self)(self.shape, function(self.multiplier), self.axes)


@PRODUCT.rule(Circulant, Circulant, "(Fᴴ D₁ F) (Fᴴ D₂ F) = Fᴴ (D₁ D₂) F")
def _(left: Circulant, right: Circulant) -> LinearOperator | None:
    return right.map_spectrum(lambda spectrum: left.multiplier * spectrum) if _alike(left, right) else None


@SUM.rule(Circulant, Circulant, "Fᴴ D₁ F + Fᴴ D₂ F = Fᴴ (D₁ + D₂) F")
def _(left: Circulant, right: Circulant) -> LinearOperator | None:
    return right.map_spectrum(lambda spectrum: left.multiplier + spectrum) if _alike(left, right) else None


@SUM.rule(ScaledIdentity, Circulant, "a I + Fᴴ D F = Fᴴ (a + D) F")
def _(left: ScaledIdentity, right: Circulant) -> LinearOperator:
    return right.map_spectrum(lambda spectrum: left.scale + spectrum)


def _alike(left: Circulant, right: Circulant) -> bool:
    return type(left) is type(right) and left.axes == right.axes and same(left.shape, right.shape)
