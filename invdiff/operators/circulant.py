"""Circular convolution: what a diagonal in k-space is in the image."""

import math

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import as_tensor
from invdiff.operators.base import LinearOperator, Shape, in_precision_of, same
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.remembered import remembered
from invdiff.operators.rules import PRODUCT, PULLBACK, SUM
from invdiff.operators.scaled import ScaledIdentity
from invdiff.operators.spectral import Map, Spectral, squared_magnitude
from invdiff.operators.structure import Structure
from invdiff.operators.transform import transformed


class Circulant(Spectral, Frozen):
    """Fᴴ D F over ``axes``, without shifts: a circular convolution commutes with them.

    Args:
        shape: shape of the arrays.
        multiplier: D with frequency zero first; its shape broadcasts to ``shape``.
        axes: the axes transformed, counted from the end.

    Raises:
        InputError: the multiplier does not broadcast to ``shape``, or an axis is not one of its, counted from the end.
    """

    shape: Shape
    multiplier: Tensor
    axes: tuple[int, ...]
    symbol = "Fᴴ D F"

    def __post_init__(self) -> None:
        multiplier = as_tensor(self.multiplier, self)
        lengths = (1,) * (len(self.shape) - multiplier.ndim) + tuple(multiplier.shape)
        if len(lengths) != len(self.shape) or any(m not in (1, n) for m, n in zip(lengths, self.shape, strict=True)):
            raise InputError(f"A multiplier of shape {tuple(multiplier.shape)} does not broadcast to {self.shape}.")
        if not all(-len(self.shape) <= axis < 0 for axis in self.axes):
            raise InputError(
                f"A Circulant can't transform axes {self.axes} of {self.shape}; count them from the end: -1 is last."
            )
        object.__setattr__(self, "multiplier", multiplier.reshape(lengths))

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    @remembered
    def structure(self) -> Structure:
        from invdiff.operators.diagonal import Diagonal

        return Diagonal(self.multiplier).structure & (Structure.UNITARY | Structure.PROJECTION)

    @property
    def H(self) -> LinearOperator:
        return self if self.is_self_adjoint else self.map_spectrum(lambda spectrum: spectrum.conj().resolve_conj())

    @property
    def grid(self) -> Shape:
        """The lengths along `axes` of the arrays that are convolved."""
        return tuple(self.shape[axis] for axis in self.axes)

    @property
    def terms(self) -> "tuple[tuple[Spectral, Circulant], ...]":
        """Pairs of M and C whose Mᴴ C M add up to it, as those of a `Toeplitz` operator do: it is one itself."""
        return ((Identity(self.shape), self),)

    def over(self, prefix: Shape) -> "Circulant":
        """The same convolution of every item of the leading dimensions ``prefix``."""
        return type(self)((*prefix, *self.shape), self.multiplier, self.axes)

    def forward(self, x: Tensor) -> Tensor:
        return self._convolved(x, in_precision_of(x, self.multiplier))

    def adjoint(self, y: Tensor) -> Tensor:
        return self._convolved(y, in_precision_of(y, self.multiplier).conj())

    def _convolved(self, x: Tensor, multiplier: Tensor) -> Tensor:
        frequencies = transformed(torch.fft.fftn, x, dim=self.axes) * multiplier
        return transformed(torch.fft.ifftn, frequencies, dim=self.axes)

    def nearest_circulant(self) -> LinearOperator:
        return self

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


@PULLBACK.rule(Circulant, Identity, "(Fᴴ D F)ᴴ I (Fᴴ D F) = Fᴴ abs(D)² F")
def _(operator: Circulant, middle: Identity) -> LinearOperator:
    return operator.map_spectrum(squared_magnitude)


@PULLBACK.rule(Circulant, Circulant, "(Fᴴ D₁ F)ᴴ (Fᴴ D₂ F) (Fᴴ D₁ F) = Fᴴ (abs(D₁)² D₂) F")
def _(operator: Circulant, middle: Circulant) -> LinearOperator | None:
    if not _alike(operator, middle):
        return None
    return middle.map_spectrum(lambda spectrum: squared_magnitude(operator.multiplier) * spectrum)


def _alike(left: Circulant, right: Circulant) -> bool:
    return type(left) is type(right) and left.axes == right.axes and same(left.shape, right.shape)


def value_at_frequencies(multiplier: Tensor, maps: Tensor, axes: tuple[int, ...], grid: Shape) -> Tensor:
    """<f, Sᴴ C S f> for each Fourier mode f of norm 1 along ``axes``, and a convolution C on a grid there.

    Args:
        multiplier: of C, ``(*image)`` with the grid's lengths along ``axes`` where it is not constant there.
        maps: S, ``(..., coils, *image)``.
        axes: counted from the end.
        grid: lengths of the arrays that C convolves, multiples of the image's: those are filled up with zeros.

    Returns:
        ``(..., *image)``, frequency zero first; a value for each position along the other axes.
    """
    lengths = [maps.shape[axis] for axis in axes]
    seen = torch.fft.fftn(maps, s=grid, dim=axes).abs().square().sum(-multiplier.ndim - 1)
    seen = seen / (math.prod(lengths) * math.prod(grid))
    values = multiplier * torch.ones_like(seen)
    spread = torch.fft.ifftn(torch.fft.fftn(values, dim=axes) * torch.fft.fftn(seen, dim=axes).conj(), dim=axes)
    for axis, length, whole in zip(axes, lengths, grid, strict=True):
        spread = spread.unflatten(axis, (length, whole // length)).select(axis, 0)
    result: Tensor = spread if multiplier.is_complex() else spread.real
    return result
