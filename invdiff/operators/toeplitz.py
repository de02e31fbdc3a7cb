"""Convolution that does not wrap around: what weights of samples off the grid are in the image."""

from functools import reduce
from itertools import product

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import as_tensor
from invdiff.operators.base import Shape
from invdiff.operators.circulant import Circulant, value_at_frequencies
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.remembered import remembered
from invdiff.operators.spectral import Spectral
from invdiff.operators.structure import Structure


class Toeplitz(Endomorphism, Frozen):
    """C Fᴴ D F Cᴴ: images in zeros of twice their size, convolved circularly, cut out again (Fessler et al., IEEE
    Transactions on Signal Processing 53, 2005).

    Nothing of twice the size is made. Of the frequencies on the double grid, those of parity p are the frequencies of
    the image times M_p(r) = exp(-πi p·r/n), so the operator is the mean of M_pᴴ (Fᴴ D_p F) M_p over every p, D_p being
    every other number of D along each axis (Baron et al., Magnetic Resonance in Medicine 79, 2018).

    Args:
        shape: the image's.
        multiplier: D with frequency zero first, ``(*frames, *double)`` with twice the lengths of ``shape``; images are
            ``(*frames, *shape)``.
        structure: what is known of it.

    Raises:
        InputError: the multiplier does not end in twice the lengths of ``shape``.
    """

    shape: Shape
    multiplier: Tensor
    structure: Structure = Structure.NONE
    symbol = "C Fᴴ D F Cᴴ"

    def __post_init__(self) -> None:
        object.__setattr__(self, "multiplier", as_tensor(self.multiplier, self))
        if tuple(self.multiplier.shape[max(0, self.multiplier.ndim - len(self.shape)) :]) != self.grid:
            raise InputError(
                f"The multiplier of a Toeplitz operator on images of shape {self.shape} ends in the lengths "
                f"{self.grid}, but this one has the shape {tuple(self.multiplier.shape)}."
            )

    @property
    def axes(self) -> tuple[int, ...]:
        """The image's axes, counted from the end."""
        return tuple(range(-len(self.shape), 0))

    @property
    def grid(self) -> Shape:
        """The lengths along them of the arrays that are convolved circularly."""
        return tuple(2 * n for n in self.shape)

    @property
    def domain_shape(self) -> Shape:
        return (*self.multiplier.shape[: -len(self.shape)], *self.shape)

    @property
    def H(self) -> "Toeplitz":
        return self if self.is_self_adjoint else Toeplitz(self.shape, self.multiplier.conj(), self.structure)

    def over(self, prefix: Shape) -> "Toeplitz":
        """The same convolution of every item of the leading dimensions ``prefix``."""
        return Toeplitz(self.shape, self.multiplier.expand(*prefix, *self.multiplier.shape), self.structure)

    @remembered
    def terms(self) -> tuple[tuple[Spectral, Circulant], ...]:
        """Pairs of M and C whose Mᴴ C M add up to it, as those of a `Circulant` do."""
        found = []
        for parities in product((0, 1), repeat=len(self.shape)):
            values, turns = self.multiplier, torch.zeros(self.shape, dtype=torch.float64)
            for axis, parity in zip(self.axes, parities, strict=True):
                n = self.shape[axis]
                values = values.unflatten(axis, (n, 2)).select(axis, parity)
                turns += (parity / n * torch.arange(n, dtype=torch.float64)).reshape(n, *[1] * (-axis - 1))
            modulation = Diagonal(torch.polar(torch.ones_like(turns), -torch.pi * turns).to(values.device))
            mean = Circulant(self.domain_shape, values / 2 ** len(self.shape), self.axes)
            found.append((modulation if any(parities) else Identity(self.shape), mean))
        return tuple(found)

    def forward(self, x: Tensor) -> Tensor:
        return reduce(torch.add, (m.adjoint(circular.forward(m.forward(x))) for m, circular in self.terms))

    def adjoint(self, y: Tensor) -> Tensor:
        return self.H.forward(y)

    def nearest_circulant(self) -> Circulant:
        box = self.multiplier.new_ones(1, *self.domain_shape)
        value = value_at_frequencies(self.multiplier, box, self.axes, self.grid)
        return Circulant(self.domain_shape, value.clamp(min=0) if self.is_positive else value, self.axes)
