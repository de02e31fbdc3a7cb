"""Operators that are diagonal in a known basis, where any function of them is one multiplication away."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import Array
from invdiff.operators.base import LinearOperator, NoiseSource
from invdiff.operators.endomorphism import Endomorphism

Map = Callable[[Tensor], Tensor]


class Spectral(Endomorphism):
    """A normal operator U f(D) Uᴴ with known eigenvalues: `solve`, `sample` and every function are closed forms."""

    @property
    @abstractmethod
    def spectrum(self) -> Tensor:
        """The eigenvalues, as a tensor that broadcasts over the basis in which the operator is diagonal."""

    @property
    def spectral_part(self) -> Self:
        return self

    @property
    def is_positive_definite(self) -> bool:
        spectrum = self.spectrum
        return not spectrum.is_complex() and bool((spectrum > 0).all())

    @abstractmethod
    def map_spectrum(self, function: Map) -> "LinearOperator":
        """f(A): the operator with every eigenvalue mapped."""

    def _solve(self, b: Tensor, **options: Any) -> Tensor:
        return self.map_spectrum(inverse).forward(b)

    def pinv(self, y: Array, *, tol: float | Tensor | None = None, max_iter: int | None = None) -> Tensor:
        y = self._check(y, self.codomain_shape, "has a pseudo-inverse that takes", real=self.real_codomain)
        return self.map_spectrum(pseudo_inverse).forward(y)

    def sample(self, noise: NoiseSource) -> Tensor:
        spectrum = self.spectrum
        if spectrum.is_complex() or bool((spectrum <= 0).any()):
            raise InputError(f"{self!r} is not positive definite, so no normal distribution has it as its precision.")
        return self.map_spectrum(torch.rsqrt).forward(noise(self.domain_shape))


def inverse(spectrum: Tensor) -> Tensor:
    """1/λ, however small λ is beside others, and 0 where it is 0: the solution of least norm."""
    zero = spectrum == 0
    return torch.where(zero, 0, 1 / torch.where(zero, 1, spectrum))


def pseudo_inverse(spectrum: Tensor) -> Tensor:
    """1/λ, and 0 where λ is 0 to rounding."""
    size = spectrum.abs()
    return inverse(torch.where(size <= size.max() * torch.finfo(spectrum.dtype).eps * 8, 0, spectrum))


def squared_magnitude(spectrum: Tensor) -> Tensor:
    """abs(λ)², real: the spectrum of the gram."""
    return torch.view_as_real(spectrum).square().sum(-1) if spectrum.is_complex() else spectrum.square()
