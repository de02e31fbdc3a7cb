"""Sᴴ Fᴴ D F S in one pass: the operator that iterative SENSE reconstructions spend their time in."""

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape, in_precision_of, size
from invdiff.operators.circulant import Circulant
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.remembered import remembered
from invdiff.operators.structure import Structure

BLOCK_BYTES = 2**21
"""Coil images are worked on in blocks of about this size, so that they stay in the cache."""


class SenseGram(Endomorphism, Frozen):
    """x -> sum_c S_c* C (S_c x) for a circular convolution C. Build it as ``(P(Λ) F S).gram``.

    Args:
        maps: ``(coils, *image)`` or ``(sets, coils, *image)``.
        convolution: Fᴴ D F on the image.
        image_dims: trailing dimensions of ``maps`` that are the image's.
    """

    maps: Tensor
    convolution: Circulant
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
        axes, image = self.convolution.axes, tuple(range(-self.image_dims, 0))
        kept = [axis for axis in image if axis not in axes]  # positions, of which every frequency sees the mean
        count = size(tuple(self.maps.shape[axis] for axis in axes))
        seen = torch.fft.fftn(self.maps, dim=axes).abs().square().sum(-self.image_dims - 1) / count**2
        multiplier = self.convolution.multiplier * torch.ones_like(seen)
        spread = torch.fft.ifftn(torch.fft.fftn(multiplier, dim=axes) * torch.fft.fftn(seen, dim=axes).conj(), dim=axes)
        if kept:
            spread = spread.mean(kept, keepdim=True)
        value = spread if multiplier.is_complex() else spread.real
        return Circulant(self.domain_shape, value.clamp(min=0) if self.is_positive else value, image)

    @remembered
    def _parts(self) -> "dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor, Tensor]]":
        return {}

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """S, S* and D in the precision of ``x``; the 1/n of the inverse transform is folded into D, so neither one
        scales."""
        key = x.dtype, x.device
        if key not in self._parts:
            count = size(tuple(self.convolution.shape[axis] for axis in self.convolution.axes))
            with torch.inference_mode(False):  # as what is `remembered`
                maps = in_precision_of(x, self.maps)
                multiplier = in_precision_of(x, self.convolution.multiplier / count)
                self._parts[key] = maps, maps.conj().resolve_conj(), multiplier
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
        """One image; where rows are not transformed, a block of them at a time."""
        rows = -self.image_dims
        height = self.maps.shape[rows]
        block = height
        if rows not in self.convolution.axes:
            row_bytes = self.maps.numel() // height * self.maps.element_size()
            block = max(1, min(height, BLOCK_BYTES // row_bytes))

        def cut(array: Tensor, start: int) -> Tensor:
            return array if array.shape[rows] == 1 else array.narrow(rows, start, min(block, height - start))

        pieces = [
            self._rows(*(cut(array, start) for array in (x, *self.parts(x)))) for start in range(0, height, block)
        ]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=rows)

    def _rows(self, x: Tensor, maps: Tensor, conjugate: Tensor, multiplier: Tensor) -> Tensor:
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
