"""Lesions to be put into an image: smooth discs, one by one or all over it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from torch import Tensor

from invdiff.errors import InputError

Pair = tuple[float, float]

APART = 3.0
"""Lesions whose centres are nearer than so many times their size are not told apart."""

_SPACING = 4.0  # of places all over an image, in sizes
_SLOPE = (math.sqrt(5) - 1) / 2  # the number that fractions are furthest from
_SIGNAL = 0.1  # of the largest magnitude: where an image has less, there is nothing for a lesion to lie in


@dataclass(frozen=True)
class Lesion:
    """A smooth disc, an ellipse where pixels are no squares: exp(-ln 2 (2 r)⁴), r in its size.

    Args:
        place: (row, column) of its centre in pixels, from zero.
        size: along rows and columns in pixels; the width at half of its height.
        contrast: its height, as a share of the image's largest magnitude; below zero it is dark.

    Raises:
        InputError: the size is below one pixel, the contrast is zero, or a number is not finite.
    """

    place: Pair
    size: Pair
    contrast: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in (*self.place, *self.size, self.contrast)):
            raise InputError(f"A lesion has a finite place, size and contrast, not {self}.")
        if min(self.size) < 1:
            raise InputError(
                f"A lesion of {self.size[0]:.3g} x {self.size[1]:.3g} pixels is smaller than a pixel, so no image "
                "shows it; give a size of one pixel or more."
            )
        if self.contrast == 0:
            raise InputError("A lesion without contrast is none; give a share of the image's maximum, such as 0.1.")

    def disc(self, shape: Sequence[int]) -> Tensor:
        """Its profile, one in the centre: float64 ``(H, W)``.

        Args:
            shape: of the image, ``(..., H, W)``.

        Raises:
            InputError: it does not lie within the image as a whole.
        """
        height, width = shape[-2:]
        if not self._is_inside(height, width):
            raise InputError(
                f"A lesion of {self.size[0]:.3g} x {self.size[1]:.3g} pixels at row {self.place[0]:g}, column "
                f"{self.place[1]:g} does not lie within the image of {height} x {width} pixels; choose another place "
                "or a smaller size."
            )
        rows, columns = (
            ((torch.arange(length, dtype=torch.float64) - centre) / (size / 2)).square()
            for length, centre, size in zip((height, width), self.place, self.size, strict=True)
        )
        return torch.exp2(-((rows[:, None] + columns).square()))

    def _is_inside(self, height: int, width: int) -> bool:
        return all(
            size / 2 <= centre + 0.5 <= length - size / 2
            for centre, size, length in zip(self.place, self.size, (height, width), strict=True)
        )

    def within(self, image: Tensor) -> Tensor:
        """The lesion by itself, of the image's shape and dtype, with the phase that the image has there.

        Of several images that overlap, as of map sets, each has as much of it as it has of the signal there.

        Args:
            image: real or complex ``(..., H, W)``.

        Raises:
            InputError: it does not lie within the image, or the image is zero everywhere.
        """
        largest = float(torch.linalg.vector_norm(image.reshape(-1, *image.shape[-2:]), dim=0).max())
        if not largest > 0:
            raise InputError("The image is zero everywhere, so that it has no maximum for a contrast to be a share of.")
        disc = self.disc(image.shape).to(image.device, image.real.dtype)
        signal = (disc * image / largest).sum((-2, -1), keepdim=True)
        norm = torch.linalg.vector_norm(signal)
        direction = signal / norm if norm > 0 else torch.ones_like(signal) / signal.numel() ** 0.5
        alone: Tensor = self.contrast * largest * direction * disc
        return alone


def check_apart(lesions: Sequence[Lesion]) -> None:
    """Refuse lesions that one reconstruction would not tell apart.

    Raises:
        InputError: two of them are nearer than `APART` sizes, or there are none.
    """
    if not lesions:
        raise InputError("There is no lesion to look for; give one or more.")
    places, sizes = (np.array([getattr(lesion, name) for lesion in lesions]) for name in ("place", "size"))
    for k, one in enumerate(lesions[:-1], start=1):
        distances = np.hypot(*((places[k:] - one.place) / np.maximum(sizes[k:], one.size)).T)
        distance, other = distances.min(), lesions[k + int(distances.argmin())]
        if distance < APART:
            raise InputError(
                f"The lesions at {one.place[0]:g},{one.place[1]:g} and {other.place[0]:g},{other.place[1]:g} are "
                f"{distance:.2g} of their sizes apart, and a reconstruction of both would not tell whose contrast it "
                f"shows; keep them {APART:g} sizes apart, or look for one after the other."
            )


def lesions_all_over(image: Tensor, size: Pair, contrast: float) -> list[Lesion]:
    """Lesions on a square grid of four sizes, wherever the image has a tenth of its largest magnitude.

    The grid is turned by a slope that is far from every fraction, so that next to no two of them share a line: what is
    undersampled folds onto itself along lines, at fractions of the image.

    Args:
        image: real or complex ``(..., H, W)``; a coarse one will do.
        size: of each, in pixels along rows and columns.
        contrast: of each, a share of the image's largest magnitude.

    Raises:
        InputError: there is no room, or as `Lesion`.
    """
    height, width = image.shape[-2:]
    magnitude = torch.linalg.vector_norm(image.reshape(-1, height, width), dim=0).double().cpu()
    middle = Lesion((height // 2, width // 2), size, contrast)
    step = _SPACING / math.hypot(1, _SLOPE)
    most = math.ceil(math.hypot(height / size[0], width / size[1]) / _SPACING)
    found = []
    for m, n in product(range(-most, most + 1), repeat=2):
        down, right = step * (m + _SLOPE * n), step * (n - _SLOPE * m)
        lesion = replace(middle, place=(middle.place[0] + down * size[0], middle.place[1] + right * size[1]))
        if lesion._is_inside(height, width) and _mean(magnitude, lesion) >= _SIGNAL * float(magnitude.max()) > 0:
            found.append(lesion)
    if not found:
        raise InputError(
            f"There is no room for a lesion of {size[0]:.3g} x {size[1]:.3g} pixels where the image of {height} x "
            f"{width} has signal; take a smaller one, or choose its place."
        )
    return found


def _mean(magnitude: Tensor, lesion: Lesion) -> float:
    rows, columns = (
        slice(max(0, math.ceil(centre - size / 2)), math.floor(centre + size / 2) + 1)
        for centre, size in zip(lesion.place, lesion.size, strict=True)
    )
    return float(magnitude[rows, columns].mean())
