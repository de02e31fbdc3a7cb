"""A picture as problems: missing pixels, or noise."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.picture import Picture
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.operators import denoising, inpainting
from invdiff.problem import Problem
from invdiff.reconstruction.cases.base import Cases, Image, as_tensor


@dataclass(frozen=True)
class Seen:
    """How an operator sees a picture.

    Attributes:
        whole: whether every pixel is seen, with noise; else those of a mask.
    """

    whole: bool


SEEN = {"inpainting": Seen(whole=False), "denoise": Seen(whole=True)}
"""Operators on pictures, by name."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PictureCases(Cases):
    """A picture's slices; made by `picture_cases`.

    Attributes:
        picture: with its noise level.
    """

    picture: Picture

    @property
    def measured(self) -> Picture:
        """The picture, of the slices that are reconstructed."""
        return self.picture.select(self.slices)

    @property
    def name(self) -> str:
        """The picture's."""
        return self.picture.name

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """Where pixels are known, bool ``(H, W)``."""
        return self.picture.sampled

    @property
    def is_complex(self) -> bool:
        """Whether the picture is."""
        return np.iscomplexobj(self.picture.image)

    @property
    def noise_std(self) -> float:
        """The noise in each real number of the picture."""
        assert self.picture.noise_std is not None
        return self.picture.noise_std

    @property
    def empty(self) -> frozenset[int]:
        """Slices whose known pixels are all zero."""
        return self.picture.empty & frozenset(self.slices)

    @property
    def has_ground_truth(self) -> bool:
        """Whether the picture brings one."""
        return self.picture.ground_truth is not None

    def with_noise_times(self, times: float) -> Self:
        """The picture with another level."""
        return replace(self, picture=replace(self.picture, noise_std=times * self.noise_std))

    def _problem(self, number: int) -> Problem:
        image = as_tensor(self.picture.image[number])
        if SEEN[self.operator].whole:
            return Problem(denoising(tuple(image.shape)), image, self.noise_std)
        mask = as_tensor(self.sampled)
        return Problem(inpainting(mask), image[mask], self.noise_std)

    def zero_filled_of(self, number: int) -> Image:
        """The slice, zero where pixels are missing, ``(H, W)``."""
        image = self.picture.image[number]
        return image if SEEN[self.operator].whole else np.where(self.sampled, image, 0)

    def ground_truth_of(self, number: int) -> Image | None:
        """The slice without noise and holes, ``(H, W)``."""
        return None if self.picture.ground_truth is None else self.picture.ground_truth[number]

    def _digest(self, number: int) -> str:
        return digest_of(self.operator, self.picture.digest(number))


def picture_cases(picture: Picture, operator: str, *, noise_std: float | None = None) -> PictureCases:
    """The problems of an image with missing pixels (``"inpainting"``) or with noise (``"denoise"``).

    Args:
        picture: as read. A noise level that it lacks is estimated.
        operator: ``"inpainting"`` or ``"denoise"``.
        noise_std: in each real number, in the picture's units, instead of what the file says.

    Raises:
        InputError: there is no such operator, inpainting without a mask, a ground truth that is zero everywhere, or the
            noise level is negative, not finite, or can't be estimated.
    """
    if operator not in SEEN:
        raise InputError(f"A picture is seen by {' or '.join(SEEN)}, not {operator!r}.")
    if picture.mask is None and not SEEN[operator].whole:
        raise InputError(
            f"{picture.name} has no dataset 'mask', so there is nothing to inpaint; store one, true where known."
        )
    if picture.ground_truth is not None and not picture.ground_truth.any():
        raise InputError(f"{picture.name}: ground_truth is zero everywhere; leave it out of the file.")
    if noise_std is not None:
        picture = replace(picture, noise_std=noise_std)
    slices = tuple(range(len(picture.image)))
    picture = picture.with_noise_std()
    return PictureCases(operator=operator, slices=slices, geometry=picture.geometry, picture=picture)
