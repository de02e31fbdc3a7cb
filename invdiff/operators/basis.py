"""Φ: frames, echoes or contrasts as combinations of a few coefficient images."""

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import as_tensor
from invdiff.operators.base import LinearOperator, Shape, in_precision_of
from invdiff.operators.block_diagonal import block_diagonal
from invdiff.operators.diagonal import Diagonal, narrowed
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift
from invdiff.operators.remembered import remembered
from invdiff.operators.rules import PULLBACK
from invdiff.operators.structure import Structure


class Basis(LinearOperator, Frozen):
    """Φ: K coefficient images to T frames, frame t = sum over k of Φ_tk times image k (Tamir, Magnetic Resonance in
    Medicine 77, 2017). It meets what acts on each image alike in either order: F Φ = Φ F, and S Φ = Φ S.

    Args:
        values: Φ, real or complex ``(T, K)``, one column for each coefficient.
        shape: of each image, coils included where they are there.

    Raises:
        InputError: the values are no matrix in single or double precision, hold NaN or infinity, or nothing but zeros;
            or the images have no dimension.
    """

    values: Tensor
    shape: Shape
    symbol = "Φ"

    def __post_init__(self) -> None:
        values = as_tensor(self.values, self)
        object.__setattr__(self, "values", values)
        if values.ndim != 2 or not self.shape:
            raise InputError(
                f"A Basis is a matrix (frames, coefficients) of images of at least one dimension, but it has the shape "
                f"{tuple(values.shape)} and images the shape {self.shape}."
            )
        if not (values.is_floating_point() or values.is_complex()):
            raise InputError(f"A Basis has floating-point numbers but got {values.dtype}; convert it first: .float().")
        if not bool(torch.isfinite(values.abs()).all()) or not bool(values.any()):
            raise InputError("The basis holds NaN or infinity, or nothing but zeros; look at what it was made of.")

    @property
    def domain_shape(self) -> Shape:
        return (self.values.shape[1], *self.shape)

    @property
    def codomain_shape(self) -> Shape:
        return (self.values.shape[0], *self.shape)

    @remembered
    def structure(self) -> Structure:
        rounding = 16 * torch.finfo(self.values.dtype).eps
        known = {
            Structure.ISOMETRY: self.values.mH @ self.values,
            Structure.CO_ISOMETRY: self.values @ self.values.mH,
        }
        found = Structure.NONE
        for structure, product in known.items():
            if bool(
                (product - torch.eye(len(product), dtype=product.dtype, device=product.device)).abs().max() <= rounding
            ):
                found |= structure
        return found

    @property
    def preserves_reals(self) -> bool:
        return not self.values.is_complex()

    def forward(self, x: Tensor) -> Tensor:
        return self._combined(in_precision_of(x, self.values), x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self._combined(in_precision_of(y, self.values).mH, y)

    def _combined(self, matrix: Tensor, x: Tensor) -> Tensor:
        kind = torch.promote_types(matrix.dtype, x.dtype)
        images = x.flatten(x.ndim - len(self.shape)).to(kind)
        combined: Tensor = (matrix.to(kind) @ images).unflatten(-1, self.shape)
        return combined


@PULLBACK.rule(Basis, Identity, "Φᴴ I Φ = the same matrix at each point")
def _(operator: Basis, middle: Identity) -> LinearOperator | None:
    if operator.is_isometry:
        return None
    return _weighed(operator, torch.ones((1,) * (1 + len(operator.shape)), device=operator.values.device))


@PULLBACK.rule(Basis, Diagonal, "Φᴴ D Φ = B, a matrix at each point")
def _(operator: Basis, middle: Diagonal) -> LinearOperator | None:
    if middle.spectrum.is_complex():
        return None
    return _weighed(operator, narrowed(middle.spectrum, tuple(range(-len(operator.shape), 0))))


@PULLBACK.rule(Basis, Lift, "Φᴴ (I ⊗ D) Φ = (Φᴴ Φ) ⊗ D, for D the same in each frame")
def _(operator: Basis, middle: Lift) -> LinearOperator | None:
    alike = middle.operator
    if not isinstance(alike, Diagonal) or alike.spectrum.is_complex():
        return None
    spectrum = narrowed(alike.spectrum, tuple(range(-alike.spectrum.ndim, 0)))
    return _weighed(operator, spectrum.reshape((1,) * (1 + len(operator.shape) - spectrum.ndim) + spectrum.shape))


def _weighed(operator: Basis, weights: Tensor) -> LinearOperator:
    """Φᴴ D Φ for real weights D of ``(T or 1, *points)``."""
    phi = operator.values.to(torch.complex128 if operator.values.is_complex() else torch.float64)
    frames = weights.double().expand(len(phi), *weights.shape[1:])
    blocks = torch.einsum("tk,tl,t...->kl...", phi.conj(), phi, frames.to(phi.dtype))
    return block_diagonal(operator.shape, blocks)
