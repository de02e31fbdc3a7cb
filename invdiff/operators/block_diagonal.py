"""A Hermitian matrix at each point, between arrays that lie over each other."""

from functools import reduce

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape, in_precision_of
from invdiff.operators.circulant import Circulant
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.frozen import Frozen
from invdiff.operators.remembered import remembered
from invdiff.operators.rules import SUM
from invdiff.operators.scaled import ScaledIdentity
from invdiff.operators.spectral import Map, Spectral
from invdiff.operators.structure import Structure

ROUNDING = 1e-13
"""Eigenvalues of a block below this part of its largest are zero to rounding."""


class BlockDiagonal(Spectral, Frozen):
    """x -> B(r) x(r) at each point r, where x(r) holds K numbers, one of each array: B = U diag(λ) Uᴴ. Build it with
    `block_diagonal`.

    Args:
        shape: of each of the K arrays.
        eigenvalues: λ, ``(K, *points)``, where ``points`` broadcasts to ``shape``: an axis of length one is one along
            which all blocks are alike.
        eigenvectors: U, unitary, ``(K, K, *points)``; column ``[:, k]`` goes with eigenvalue ``k``.
    """

    shape: Shape
    eigenvalues: Tensor
    eigenvectors: Tensor
    symbol = "B"

    @property
    def domain_shape(self) -> Shape:
        return (len(self.eigenvalues), *self.shape)

    @remembered
    def structure(self) -> Structure:
        return Diagonal(self.eigenvalues).structure & (Structure.UNITARY | Structure.PROJECTION)

    @property
    def preserves_reals(self) -> bool:
        return not (self.eigenvalues.is_complex() or self.eigenvectors.is_complex())

    @property
    def H(self) -> LinearOperator:
        return self if self.is_self_adjoint else self.map_spectrum(lambda spectrum: spectrum.conj().resolve_conj())

    @remembered
    def blocks(self) -> Tensor:
        """B, ``(K, K, *points)``."""
        scaled = self.eigenvectors * self.eigenvalues
        return torch.einsum("ik...,jk...->ij...", scaled, self.eigenvectors.conj().to(scaled.dtype))

    @remembered
    def _blocks(self) -> dict[tuple[torch.dtype, torch.device], Tensor]:
        return {}

    def _blocks_for(self, x: Tensor) -> Tensor:
        """B in the precision of ``x``."""
        key = x.dtype, x.device
        if key not in self._blocks:
            with torch.inference_mode(False):  # as what is `remembered`
                self._blocks[key] = in_precision_of(x, self.blocks)
        return self._blocks[key]

    def forward(self, x: Tensor) -> Tensor:
        return self._at_each_point(self._blocks_for(x), x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self._at_each_point(self._blocks_for(y).transpose(0, 1).conj(), y)

    def _at_each_point(self, blocks: Tensor, x: Tensor) -> Tensor:
        over = -len(self.shape) - 1
        columns = zip(blocks.unbind(1), x.unsqueeze(over).unbind(over - 1), strict=True)
        return reduce(torch.add, (column * number for column, number in columns))

    def nearest_circulant(self) -> LinearOperator:
        points = tuple(range(-len(self.shape), 0))
        mean = self.blocks.diagonal().movedim(-1, 0).mean(points, keepdim=True)
        return Circulant(self.domain_shape, mean, points)

    @property
    def spectrum(self) -> Tensor:
        return self.eigenvalues

    def map_spectrum(self, function: Map) -> "BlockDiagonal":
        return BlockDiagonal(self.shape, function(self.eigenvalues), self.eigenvectors)


def block_diagonal(shape: Shape, blocks: Tensor) -> BlockDiagonal:
    """The operator of Hermitian blocks ``(K, K, *points)``, in double precision; eigenvalues that are zero to rounding
    are zero."""
    kind = torch.complex128 if blocks.is_complex() else torch.float64
    values, vectors = torch.linalg.eigh(blocks.to(kind).movedim((0, 1), (-2, -1)))
    values = torch.where(values.abs() <= ROUNDING * values.abs().amax(-1, keepdim=True), 0, values)
    return BlockDiagonal(shape, values.movedim(-1, 0).contiguous(), vectors.movedim((-2, -1), (0, 1)).contiguous())


@SUM.rule(ScaledIdentity, BlockDiagonal, "a I + B = B, its eigenvalues shifted by a")
def _(left: ScaledIdentity, right: BlockDiagonal) -> LinearOperator:
    return right.map_spectrum(lambda spectrum: left.scale + spectrum)
