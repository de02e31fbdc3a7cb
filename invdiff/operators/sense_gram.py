"""Sᴴ Fᴴ D F S in one pass: the operator that iterative SENSE reconstructions spend their time in."""

from dataclasses import dataclass
from functools import partial, reduce

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape, in_precision_of, size
from invdiff.operators.circulant import Circulant, value_at_frequencies
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.remembered import remembered
from invdiff.operators.structure import Structure
from invdiff.operators.toeplitz import Toeplitz

BLOCK_BYTES = 2**21
"""Coil images are worked on in blocks of about this size, so that they stay in the cache."""


@dataclass(frozen=True)
class Parts:
    """What a `SenseGram` is applied by, in one precision: the 1/n of inverse transforms is folded into multipliers, so
    no transform scales."""

    maps: Tensor
    conjugate: Tensor
    terms: list[tuple[LinearOperator, Tensor]]


class SenseGram(Endomorphism, Frozen):
    """x -> sum_c S_c* C (S_c x) for a convolution C. Build it as ``(P(Λ) F S).gram``, or ``(F(k) S).gram``, whose C
    doesn't wrap around.

    Args:
        maps: ``(coils, *image)`` or ``(sets, coils, *image)``.
        convolution: Fᴴ D F on the image, or C Fᴴ D F Cᴴ.
        image_dims: trailing dimensions of ``maps`` that are the image's.
    """

    maps: Tensor
    convolution: Circulant | Toeplitz
    image_dims: int = 2

    @property
    def domain_shape(self) -> Shape:
        return (*self.maps.shape[: -self.image_dims - 1], *self.maps.shape[-self.image_dims :])

    @property
    def structure(self) -> Structure:
        return self.convolution.structure & Structure.POSITIVE

    @property
    def H(self) -> LinearOperator:
        return self if self.is_self_adjoint else SenseGram(self.maps, self.convolution.H, self.image_dims)  # type: ignore[arg-type] # its adjoint is of its kind

    def nearest_circulant(self) -> Circulant:
        """At each frequency the convolution's multiplier, averaged over the frequencies at which the maps see it."""
        convolution, image = self.convolution, tuple(range(-self.image_dims, 0))
        value = value_at_frequencies(convolution.multiplier, self.maps, convolution.axes, convolution.grid)
        kept = [axis for axis in image if axis not in convolution.axes]
        if kept:  # positions, of which every frequency sees the mean
            value = value.mean(kept, keepdim=True)
        return Circulant(self.domain_shape, value.clamp(min=0) if self.is_positive else value, image)

    @remembered
    def _parts(self) -> dict[tuple[torch.dtype, torch.device], "Parts"]:
        return {}

    def parts(self, x: Tensor) -> "Parts":
        """S, S* and the convolution's terms in the precision of ``x``."""
        key = x.dtype, x.device
        if key not in self._parts:
            count = size(tuple(self.convolution.domain_shape[axis] for axis in self.convolution.axes))
            with torch.inference_mode(False):  # as what is `remembered`
                maps = in_precision_of(x, self.maps)
                terms = [
                    (m.map_spectrum(partial(in_precision_of, x)), in_precision_of(x, circular.multiplier / count))
                    for m, circular in self.convolution.terms
                ]
                self._parts[key] = Parts(maps, maps.conj().resolve_conj(), terms)
        return self._parts[key]

    def forward(self, x: Tensor) -> Tensor:
        batch = x.shape[: x.ndim - len(self.domain_shape)]
        images = [self._image(image) for image in x.reshape(-1, *self.domain_shape)]
        match images:
            case []:
                return x.to(x.dtype.to_complex())
            case [image]:
                return image.reshape(x.shape)
            case _:
                return torch.stack(images).reshape(*batch, *self.domain_shape)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.H.forward(y)

    def _image(self, x: Tensor) -> Tensor:
        """One image, term by term."""
        parts = self.parts(x)
        return reduce(
            torch.add,
            (m.adjoint(self._convolved(m.forward(x), parts, multiplier)) for m, multiplier in parts.terms),
        )

    def _convolved(self, x: Tensor, parts: Parts, multiplier: Tensor) -> Tensor:
        """One image by a circular convolution: a block of coils at a time, or of rows where those are not
        transformed."""
        rows, coils = -self.image_dims, -self.image_dims - 1
        of_rows = rows not in self.convolution.axes
        axis = rows if of_rows else coils
        length = self.maps.shape[axis]
        block = max(1, BLOCK_BYTES * torch.get_num_threads() // (self.maps.numel() // length * x.element_size()))
        starts = range(0, length, block)

        def cut(array: Tensor, start: int) -> Tensor:
            return array if array.shape[axis] == 1 else array.narrow(axis, start, min(block, length - start))

        if of_rows:
            cuts = ([cut(array, start) for array in (x, parts.maps, parts.conjugate, multiplier)] for start in starts)
            pieces = [self._block(*each) for each in cuts]
            return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=rows)
        sums = (self._block(x, cut(parts.maps, start), cut(parts.conjugate, start), multiplier) for start in starts)
        return reduce(torch.Tensor.add_, sums)

    def _block(self, x: Tensor, maps: Tensor, conjugate: Tensor, multiplier: Tensor) -> Tensor:
        coils, axes = -self.image_dims - 1, self.convolution.axes
        has_sets = self.maps.ndim > self.image_dims + 1
        coil_images = maps * x.unsqueeze(coils)
        if has_sets:
            coil_images = coil_images.sum(0)
        kspace = torch.fft.fftn(coil_images, dim=axes).mul_(multiplier)
        coil_images = torch.fft.ifftn(kspace, dim=axes, norm="forward")
        weighted: Tensor = conjugate * coil_images if has_sets else coil_images.mul_(conjugate)
        return weighted.sum(coils)

    def __repr__(self) -> str:
        return f"Sᴴ {self.convolution!r} S"
