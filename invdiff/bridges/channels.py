"""Between complex arrays and the real channels that other libraries have in their place."""

from dataclasses import dataclass

import torch
from torch import Tensor

from invdiff.operators import LinearOperator, Shape, Structure


@dataclass(frozen=True, eq=False, repr=False)
class Channels(LinearOperator):
    """Complex arrays of a shape as real ones ``(2, *shape)``, real part and imaginary part; unitary over the reals.

    ``A @ Channels(shape).H`` is A on real images of two channels, and ``Channels(shape) @ A`` makes two of A's result.
    """

    shape: Shape
    symbol = "Channels"
    structure = Structure.UNITARY
    real_codomain = True
    is_complex_linear = False

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    @property
    def codomain_shape(self) -> Shape:
        return (2, *self.shape)

    @property
    def _axis(self) -> int:
        return -1 - len(self.shape)

    def forward(self, x: Tensor) -> Tensor:
        parts = (x.real, x.imag) if x.is_complex() else (x, torch.zeros_like(x))
        return torch.stack(parts, self._axis)

    def adjoint(self, y: Tensor) -> Tensor:
        return torch.complex(*y.unbind(self._axis))


def between_reals(A: LinearOperator) -> LinearOperator:
    """The operator between real arrays, in the place of complex ones their real and imaginary part, ``(2, *shape)``."""
    A = A if A.real_domain else A @ Channels(A.domain_shape).H
    return A if A.real_codomain else Channels(A.codomain_shape) @ A
