"""A number times an operator."""

import math

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.base import LinearOperator, NoiseSource, Shape
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift, lift
from invdiff.operators.rules import PULLBACK
from invdiff.operators.spectral import Map, Spectral
from invdiff.operators.structure import Structure
from invdiff.operators.wrapper import Wrapper


class Scaled(Wrapper, Frozen):
    """a A. Build it as ``a * A``."""

    scale: complex
    operator: LinearOperator

    @property
    def structure(self) -> Structure:
        kept = Structure.NONE
        if isinstance(self.scale, float):
            kept |= Structure.SELF_ADJOINT
            if self.scale >= 0:
                kept |= Structure.POSITIVE
        if abs(self.scale) == 1:
            kept |= Structure.UNITARY
        if self.scale == 0:
            kept |= Structure.PROJECTION
        return self.operator.structure & (kept | Structure.DIAGONAL)

    @property
    def preserves_reals(self) -> bool:
        return isinstance(self.scale, float) and self.operator.preserves_reals

    @property
    def H(self) -> LinearOperator:
        return scaled(self.scale, self.operator.H) if isinstance(self.scale, float) else super().H

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.operator.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.operator.adjoint(
            complex(self.scale).conjugate() * y if isinstance(self.scale, complex) else self.scale * y
        )

    def _pinv(self, y: Tensor, *, tol: float | Tensor | None, max_iter: int | None) -> Tensor:
        if self.scale == 0:
            return torch.zeros_like(self.adjoint(y))
        return self.operator.pinv(y / self.scale, tol=tol, max_iter=max_iter)

    @property
    def is_positive_definite(self) -> bool:
        return isinstance(self.scale, float) and self.scale > 0 and self.operator.is_positive_definite

    def nearest_circulant(self) -> LinearOperator | None:
        nearest = self.operator.nearest_circulant()
        return None if nearest is None else self.scale * nearest

    def _lifted(self, prefix: Shape) -> LinearOperator:
        return scaled(self.scale, lift(prefix, self.operator))

    def _unlifted(self, prefix: Shape) -> LinearOperator | None:
        bare = self.operator._unlifted(prefix)
        return None if bare is None else scaled(self.scale, bare)

    def norm_bound(self) -> float:
        return abs(self.scale) * self.operator.norm_bound()

    def sample(self, noise: NoiseSource) -> Tensor:
        if not (isinstance(self.scale, float) and self.scale > 0):
            raise InputError(f"{self!r} is not positive definite, so no normal distribution has it as its precision.")
        return self.operator.sample(noise) / math.sqrt(self.scale)

    def __repr__(self) -> str:
        number = f"{self.scale:.4g}"
        inner = repr(self.operator)
        return f"{number} ({inner})" if " + " in inner else f"{number} {inner}"


class ScaledIdentity(Spectral, Scaled, Frozen):
    """a I."""

    operator: Identity

    @property
    def spectrum(self) -> Tensor:
        return torch.tensor(self.scale, dtype=torch.complex128 if isinstance(self.scale, complex) else torch.float64)

    def map_spectrum(self, function: Map) -> LinearOperator:
        return function(self.spectrum).item() * self.operator


def scaled(scale: complex, operator: LinearOperator) -> LinearOperator:
    """a A, with scales joined, spectra scaled in place, and 1 A = A.

    Raises:
        InputError: the number is not finite, or it is complex and the operator's result real by definition.
    """
    number = scale if isinstance(scale, complex) and scale.imag else float(scale.real)
    if not abs(number) < float("inf"):
        raise InputError(f"An operator can't be scaled by {scale}; give a finite number.")
    if isinstance(number, complex) and operator.real_codomain:
        raise InputError(
            f"{operator!r} makes real arrays of shape {operator.codomain_shape}, so it can't be scaled by the complex "
            f"{number}."
        )
    if number == 1:
        return operator
    match operator:
        case Scaled():
            return scaled(number * operator.scale, operator.operator)
        case Identity():
            return ScaledIdentity(number, operator)
        case Spectral():
            return operator.map_spectrum(lambda spectrum: number * spectrum)
        case Lift() if isinstance(operator.operator, Spectral):
            return lift(operator.prefix, scaled(number, operator.operator))
        case _:
            return Scaled(number, operator)


@PULLBACK.rule(Scaled, LinearOperator, "(a A)ᴴ M (a A) = abs(a)² Aᴴ M A")
def _(operator: Scaled, middle: LinearOperator) -> LinearOperator | None:
    if isinstance(operator.scale, complex) and not middle.is_complex_linear:
        return None
    return abs(operator.scale) ** 2 * operator.operator.pullback(middle)


@PULLBACK.rule(LinearOperator, Scaled, "Aᴴ (a M) A = a Aᴴ M A for real a")
def _(operator: LinearOperator, middle: Scaled) -> LinearOperator | None:
    return middle.scale * operator.pullback(middle.operator) if isinstance(middle.scale, float) else None
