"""Sᴴ Fᴴ B F S: the normal operator of frames that lie in a subspace, at the cost of its coefficient images."""

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape, in_precision_of
from invdiff.operators.block_circulant import BlockCirculant
from invdiff.operators.block_diagonal import BlockDiagonal
from invdiff.operators.circulant import Circulant
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.lift import Lift
from invdiff.operators.rules import PULLBACK
from invdiff.operators.sense_gram import SenseGram
from invdiff.operators.sensitivities import Sensitivities
from invdiff.operators.structure import Structure


class SubspaceGram(Endomorphism, Frozen):
    """x -> sum_c S_c* C (S_c x) for a convolution C between K coefficient images: two transforms of each for each coil,
    whatever the number of frames (Tamir, Magnetic Resonance in Medicine 77, 2017, "spatio-temporal kernel"). Build it
    as ``subspace(mask, maps, basis).gram``.

    Args:
        maps: ``(coils, *image)`` or ``(sets, coils, *image)``.
        convolution: Fᴴ B F on ``(K, *image)``.
        image_dims: trailing dimensions of ``maps`` that are the image's.
    """

    maps: Tensor
    convolution: BlockCirculant
    image_dims: int = 2

    @property
    def domain_shape(self) -> Shape:
        coefficients, *image = self.convolution.domain_shape
        return (coefficients, *self.maps.shape[: -self.image_dims - 1], *image)

    @property
    def structure(self) -> Structure:
        return self.convolution.structure & Structure.POSITIVE

    @property
    def H(self) -> LinearOperator:
        return self if self.is_self_adjoint else SubspaceGram(self.maps, self.convolution.H, self.image_dims)  # type: ignore[arg-type] # its adjoint is of its kind

    def nearest_circulant(self) -> LinearOperator:
        """Of each coefficient image by itself, that of its own `SenseGram`."""
        image, axes = self.convolution.frequencies.shape, self.convolution.axes
        own = self.convolution.frequencies.blocks.diagonal().movedim(-1, 0)
        known = [SenseGram(self.maps, Circulant(image, one, axes), self.image_dims).nearest_circulant() for one in own]
        multiplier = torch.stack([nearest.multiplier for nearest in known])
        return Circulant(self.domain_shape, multiplier, known[0].axes)

    def forward(self, x: Tensor) -> Tensor:
        sets = -self.image_dims - 1
        has_sets = self.maps.ndim > self.image_dims + 1
        x = x if has_sets else x.unsqueeze(sets)
        maps = in_precision_of(x, self.maps if has_sets else self.maps.unsqueeze(0))
        total = torch.zeros_like(x, dtype=x.dtype.to_complex())
        for coil in maps.unbind(sets):
            total += coil.conj() * self.convolution.forward((coil * x).sum(sets)).unsqueeze(sets)
        return total if has_sets else total.squeeze(sets)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.H.forward(y)

    def __repr__(self) -> str:
        return f"Sᴴ {self.convolution!r} S"


@PULLBACK.rule(Lift, BlockDiagonal, "Sᴴ B S = B sum over coils of abs(S_c)², for B the same in every coil")
def _(operator: Lift, middle: BlockDiagonal) -> LinearOperator | None:
    maps = operator.operator
    if not isinstance(maps, Sensitivities) or maps.has_sets or not _is_alike_in_coils(middle, maps):
        return None
    alike = _of_one_coil(middle, maps)
    return BlockDiagonal(alike.shape, alike.eigenvalues * maps.power, alike.eigenvectors)


@PULLBACK.rule(Lift, BlockCirculant, "Sᴴ (Fᴴ B F) S = the gram of frames in a subspace, for B the same in every coil")
def _(operator: Lift, middle: BlockCirculant) -> LinearOperator | None:
    maps = operator.operator
    if not isinstance(maps, Sensitivities) or not _is_alike_in_coils(middle.frequencies, maps):
        return None
    alike = BlockCirculant(_of_one_coil(middle.frequencies, maps), middle.axes)
    return SubspaceGram(maps.maps, alike, maps.image_dims)


def _is_alike_in_coils(middle: BlockDiagonal, maps: Sensitivities) -> bool:
    """Whether the arrays between which blocks stand are coil images of these maps, all coils with the same blocks."""
    return middle.shape == maps.codomain_shape and middle.eigenvalues.shape[1] == 1


def _of_one_coil(middle: BlockDiagonal, maps: Sensitivities) -> BlockDiagonal:
    return BlockDiagonal(maps.image_shape, middle.eigenvalues.squeeze(1), middle.eigenvectors.squeeze(2))
