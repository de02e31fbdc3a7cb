"""The centred, orthonormal discrete Fourier transform."""

from collections.abc import Callable

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.circulant import Circulant
from invdiff.operators.diagonal import Diagonal, narrowed
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.rules import PULLBACK
from invdiff.operators.structure import Structure
from invdiff.operators.transform import transformed


class Fourier(Endomorphism, Frozen):
    """F: fftshift ∘ fftn ∘ ifftshift over ``axes``, orthonormal; the centre of both domains is at n // 2.

    Args:
        shape: shape of the arrays.
        axes: the axes transformed, counted in ``shape``; all of them by default.

    Raises:
        InputError: an axis does not exist or is named twice.
    """

    shape: Shape
    axes: tuple[int, ...] | None = None
    symbol = "F"
    structure = Structure.UNITARY

    def __post_init__(self) -> None:
        axes = self.axes if self.axes is not None else tuple(range(len(self.shape)))
        from_end = tuple(sorted(a if a < 0 else a - len(self.shape) for a in axes))
        if len(set(from_end)) < len(from_end) or any(not -len(self.shape) <= a < 0 for a in from_end):
            raise InputError(
                f"Fourier can't transform axes {axes} of arrays of shape {self.shape}; name existing axes once."
            )
        object.__setattr__(self, "axes", from_end)

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    def _lifted(self, prefix: Shape) -> LinearOperator:
        return Fourier(prefix + self.shape, self.axes)

    def _unlifted(self, prefix: Shape) -> LinearOperator | None:
        shared = len(prefix)
        if self.shape[:shared] != prefix or any(axis < shared - len(self.shape) for axis in self.axes or ()):
            return None
        return Fourier(self.shape[shared:], self.axes)

    def forward(self, x: Tensor) -> Tensor:
        return self._centred(torch.fft.fftn, x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self._centred(torch.fft.ifftn, y)

    def _centred(self, transform: Callable[..., Tensor], x: Tensor) -> Tensor:
        shifted = torch.fft.ifftshift(x, dim=self.axes)
        centred = transformed(transform, shifted, dim=self.axes, norm="ortho")
        result: Tensor = torch.fft.fftshift(centred, dim=self.axes)
        return result


@PULLBACK.rule(Fourier, Diagonal, "Fᴴ D F = a convolution; no transform along the axes on which D is constant")
def _(operator: Fourier, middle: Diagonal) -> LinearOperator:
    values = narrowed(middle.spectrum, tuple(range(-len(operator.shape), 0)))
    axes = tuple(axis for axis in operator.axes or () if values.shape[axis] > 1)
    if not axes:
        return Diagonal(values.expand(operator.shape).contiguous())
    return Circulant(operator.shape, torch.fft.ifftshift(values, dim=axes), axes)
