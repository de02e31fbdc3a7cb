"""From an image to a random complex training image: contrast, geometry, resolution, crop, intensity, phase."""

import math
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from invdiff.errors import InputError
from invdiff.training.contrast import change_contrast, monotone_curve
from invdiff.training.positive import Positive
from invdiff.training.resampling import Image, resize, rotate

Complex = NDArray[np.complex64]

SMALLEST_SIDE = 32
"""No side is cut to fewer pixels."""
TRIES = 4
"""Crops that are looked at, until one has at least half of the image's mean magnitude."""


class Augmentation(BaseModel):
    """What is done to an image at random before it is trained on; zero, false or null turns a part off.

    Contrast, rotation and resolution are each changed in half of the images. Units do not matter: contrast is relative
    to the image's own white. Images are never enlarged, since the empty high frequencies of an enlarged image would
    teach blur; smaller structures come from coarser resolution.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flips: bool = Field(True, description="Mirrored, half of the time.")
    quarter_turns: bool = Field(True, description="Turned by a multiple of 90 degrees.")
    rotation: float = Field(10.0, ge=0, le=45, description="Turned by up to so many degrees, by Fourier transforms.")
    shift: float = Field(0.5, ge=0, le=16, description="Moved by up to so many pixels, any fraction of one.")
    resolution: Annotated[float, Field(gt=0, le=1)] | None = Field(
        0.4, description="Cut in k-space to a random fraction of its sides, at least this: the image of a coarser scan."
    )
    whole: float = Field(
        0.35,
        ge=0,
        le=1,
        description="Fraction of images that are cut in k-space until all of them about fits the square, which teaches "
        "what a whole head looks like.",
    )
    stretch: float = Field(
        0.1, ge=0, lt=1, description="In a cut, one side is smaller than the other by up to this fraction of it."
    )
    contrast: float = Field(
        0.5, ge=0, le=2, description="Strength of random smooth monotone curves; 0.5 is about exponents from 0.5 to 2."
    )
    inverse: float = Field(
        0.125, ge=0, le=1, description="Fraction of images that are inverted inside the body; air stays dark."
    )
    intensity: tuple[Positive, Positive] | None = Field(
        (0.7, 1.2), description="Multiplied by a random factor between these two."
    )
    phase: float = Field(
        1.0, ge=0, le=4, description="Strength of the smooth random phase: a constant, a ramp and a coarse field."
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.intensity is not None and self.intensity[0] > self.intensity[1]:
            raise InputError(f"intensity {self.intensity} must be ascending")
        return self

    def __call__(self, image: Image, side: int, rng: np.random.Generator) -> Complex:
        """One random image.

        Args:
            image: float32 or complex64 ``(H, W)``; a complex one keeps its phase and gets more.
            side: of the square that is cut out; smaller images are set into zeros.
            rng: all that is random follows from it.

        Returns:
            complex64 ``(side, side)``, contiguous.
        """
        image = self._contrast(image, rng)
        image = self._geometry(image, rng)
        image = self._resolution(image, side, rng)
        patch, place = random_crop(image, side, rng)
        if self.quarter_turns:
            patch = np.rot90(patch, int(rng.integers(4)))
        if self.flips and rng.random() < 0.5:
            patch = patch[::-1]
        if self.intensity is not None:
            low, high = self.intensity
            patch = patch * np.float32(math.exp(rng.uniform(math.log(low), math.log(high))))
        if self.phase:
            patch = patch * random_phase(image.shape, place, side, self.phase, rng)
        return np.ascontiguousarray(patch, dtype=np.complex64)

    def _contrast(self, image: Image, rng: np.random.Generator) -> Image:
        curved, inverted = self.contrast > 0 and rng.random() < 0.5, self.inverse > 0 and rng.random() < self.inverse
        if not (curved or inverted):
            return image
        curve = monotone_curve(self.contrast if curved else 0.0, rng)
        return change_contrast(image, curve, rng.uniform(0, 0.5) if inverted else None)

    def _geometry(self, image: Image, rng: np.random.Generator) -> Image:
        if not (self.rotation or self.shift) or rng.random() < 0.5:
            return image
        angle = math.radians(rng.uniform(-self.rotation, self.rotation))
        down, right = rng.uniform(-self.shift, self.shift, 2)
        return rotate(image, angle, (down, right))

    def _resolution(self, image: Image, side: int, rng: np.random.Generator) -> Image:
        if self.whole and rng.random() < self.whole:
            fraction = min(1.0, rng.uniform(0.85, 1.15) * side / max(image.shape))
        elif self.resolution is None or rng.random() < 0.5:
            return image
        else:
            fraction = math.exp(rng.uniform(math.log(self.resolution), 0))
        squeezed = int(rng.integers(2)), 1 - rng.uniform(0, self.stretch)
        height, width = (
            min(n, max(SMALLEST_SIDE, 2 * round(n * fraction * (squeezed[1] if axis == squeezed[0] else 1) / 2)))
            for axis, n in enumerate(image.shape)
        )
        return resize(image, (height, width))


def random_crop(image: Image, side: int, rng: np.random.Generator) -> tuple[Image, tuple[int, int]]:
    """A square with something in it, and where it begins in the image; along short sides it is centred, in zeros."""
    wanted = 0.5 * float(np.abs(image).mean())
    for _ in range(TRIES):
        places = [int(rng.integers(n - side + 1)) if n >= side else (n - side) // 2 for n in image.shape]
        patch = image[tuple(slice(max(0, place), place + side) for place in places)]
        if float(np.abs(patch).sum()) >= wanted * side**2:
            break
    if patch.shape != (side, side):
        before = [max(0, -place) for place in places]
        patch = np.pad(patch, [(b, side - b - n) for b, n in zip(before, patch.shape, strict=True)])
    return patch, (places[0], places[1])


def random_phase(
    shape: tuple[int, ...], place: tuple[int, int], side: int, strength: float, rng: np.random.Generator
) -> Complex:
    """exp(i phase) of a square that begins at ``place`` of an image of this shape: complex64 ``(side, side)``.

    The phase is a constant, a ramp of about ``strength`` radians over half the image, and a cosine series of random
    strength (up to 1.2 ``strength``) and order (2 to 8).
    """
    (y, x), orders = (
        (2 * (first + np.arange(side)) / max(1, n - 1) - 1 for first, n in zip(place, shape, strict=True)),
        np.arange(rng.integers(2, 9)),
    )
    down, right = rng.normal(0, strength, 2)
    size = rng.uniform(0, 1.2 * strength) * 2 / len(orders)
    coefficients = rng.normal(0, size, (len(orders), len(orders)))
    rows, columns = (np.cos(np.pi / 2 * np.outer(along + 1, orders)) for along in (y, x))
    field = rows @ coefficients @ columns.T
    phase = (rng.uniform(-np.pi, np.pi) + np.add.outer(down * y, right * x) + field).astype(np.float32)
    unit = np.empty((side, side), np.complex64)
    unit.real, unit.imag = np.cos(phase), np.sin(phase)
    return unit
