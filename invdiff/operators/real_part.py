"""Between complex and real images: the real part, and its adjoint."""

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.circulant import Circulant
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.rules import PRODUCT, PULLBACK
from invdiff.operators.structure import Structure


class RealPart(LinearOperator, Frozen):
    """Re: complex arrays to real ones, linear over the real numbers. Its adjoint under Re<u, v> sees a real array as
    complex.

    ``A @ RealPart(shape).H`` is A on real images, with adjoint Re Aᴴ.
    """

    shape: Shape
    symbol = "Re"
    structure = Structure.CO_ISOMETRY
    real_codomain = True
    is_complex_linear = False

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    @property
    def codomain_shape(self) -> Shape:
        return self.shape

    @property
    def H(self) -> "AsComplex":
        return AsComplex(self.shape)

    def forward(self, x: Tensor) -> Tensor:
        return x.real.contiguous() if x.is_complex() else x

    def adjoint(self, y: Tensor) -> Tensor:
        return torch.complex(y, torch.zeros_like(y))


class AsComplex(LinearOperator, Frozen):
    """Reᴴ: a real array seen as complex. Build it as ``RealPart(shape).H``."""

    shape: Shape
    symbol = "Reᴴ"
    structure = Structure.ISOMETRY
    real_domain = True
    is_complex_linear = False

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    @property
    def codomain_shape(self) -> Shape:
        return self.shape

    @property
    def H(self) -> RealPart:
        return RealPart(self.shape)

    def forward(self, x: Tensor) -> Tensor:
        return RealPart(self.shape).adjoint(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return RealPart(self.shape).forward(y)


class RealCirculant(Circulant, Frozen):
    """A circular convolution of real arrays with a real kernel: its multiplier has Hermitian symmetry."""

    symbol = "Re Fᴴ D F Reᴴ"
    real_domain = True
    preserves_reals = True
    is_complex_linear = False

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).real.contiguous()

    def adjoint(self, y: Tensor) -> Tensor:
        return super().adjoint(y).real.contiguous()


@PRODUCT.rule(RealPart, AsComplex, "Re Reᴴ = I")
def _(left: RealPart, right: AsComplex) -> LinearOperator:
    return Identity(left.shape)


@PULLBACK.rule(AsComplex, Diagonal, "Re D Reᴴ = the real part of D")
def _(operator: AsComplex, middle: Diagonal) -> LinearOperator:
    return Diagonal(middle.spectrum.real.contiguous() if middle.spectrum.is_complex() else middle.spectrum)


@PULLBACK.rule(AsComplex, Circulant, "Re Fᴴ D F Reᴴ = Fᴴ (D(k) + D(-k)*)/2 F on real arrays")
def _(operator: AsComplex, middle: Circulant) -> LinearOperator:
    multiplier = middle.multiplier
    mirrored = torch.flip(multiplier, middle.axes).roll([1] * len(middle.axes), middle.axes)  # k -> -k
    return RealCirculant(middle.shape, (multiplier + mirrored.conj()) / 2, middle.axes)
