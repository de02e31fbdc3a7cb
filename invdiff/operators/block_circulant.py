"""Circular convolutions between arrays: what a matrix at each point of k-space is in the images."""

from collections.abc import Callable

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.block_diagonal import BlockDiagonal
from invdiff.operators.circulant import Circulant
from invdiff.operators.fourier import Fourier
from invdiff.operators.frozen import Frozen
from invdiff.operators.rules import PULLBACK, SUM
from invdiff.operators.scaled import ScaledIdentity
from invdiff.operators.spectral import Map, Spectral
from invdiff.operators.structure import Structure
from invdiff.operators.transform import transformed


class BlockCirculant(Spectral, Frozen):
    """Fᴴ B F over ``axes`` for a matrix at each frequency, without shifts: each of K arrays is convolved with each.

    Args:
        frequencies: B, with frequency zero first.
        axes: the axes transformed, counted from the end.
    """

    frequencies: BlockDiagonal
    axes: tuple[int, ...]
    symbol = "Fᴴ B F"

    @property
    def domain_shape(self) -> Shape:
        return self.frequencies.domain_shape

    @property
    def structure(self) -> Structure:
        return self.frequencies.structure

    @property
    def H(self) -> LinearOperator:
        return self if self.is_self_adjoint else self.map_spectrum(lambda spectrum: spectrum.conj().resolve_conj())

    def forward(self, x: Tensor) -> Tensor:
        return self._convolved(self.frequencies.forward, x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self._convolved(self.frequencies.adjoint, y)

    def _convolved(self, at_frequencies: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        frequencies = at_frequencies(transformed(torch.fft.fftn, x, dim=self.axes))
        return transformed(torch.fft.ifftn, frequencies, dim=self.axes)

    def nearest_circulant(self) -> LinearOperator:
        return Circulant(self.domain_shape, self.frequencies.blocks.diagonal().movedim(-1, 0), self.axes)

    @property
    def spectrum(self) -> Tensor:
        return self.frequencies.spectrum

    def map_spectrum(self, function: Map) -> "BlockCirculant":
        return BlockCirculant(self.frequencies.map_spectrum(function), self.axes)


@SUM.rule(ScaledIdentity, BlockCirculant, "a I + Fᴴ B F = Fᴴ (a + B) F")
def _(left: ScaledIdentity, right: BlockCirculant) -> LinearOperator:
    return right.map_spectrum(lambda spectrum: left.scale + spectrum)


@PULLBACK.rule(Fourier, BlockDiagonal, "Fᴴ B F = a convolution between arrays, for B a matrix at each point of k-space")
def _(operator: Fourier, middle: BlockDiagonal) -> LinearOperator | None:
    axes = operator.axes or ()
    if any(axis < -len(middle.shape) for axis in axes):  # arrays are transformed into each other
        return None
    varied = tuple(axis for axis in axes if middle.eigenvalues.shape[axis] > 1)
    if not varied:
        return middle
    values, vectors = (torch.fft.ifftshift(a, dim=varied) for a in (middle.eigenvalues, middle.eigenvectors))
    return BlockCirculant(BlockDiagonal(middle.shape, values, vectors), varied)
