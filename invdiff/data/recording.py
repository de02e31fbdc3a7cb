"""What an instrument that is no MR scanner measured: what tomography, deblurring and their like begin from."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry
from invdiff.errors import InputError
from invdiff.files.digest import digest_of

_MOST_PIXELS = 4096
"""For each number measured: what declares more than that asks for memory, and not for an image."""


@dataclass(frozen=True, eq=False)
class Recording:
    """Measurements of slices, real numbers, and what is known of them.

    Args:
        measurement: float32 ``(slices, *shape)``, of the shape that the instrument makes.
        image_shape: (H, W) of the images that were measured.
        noise_std: of each number; ``None`` where unknown.
        ground_truth: the images, float32 ``(slices, H, W)``; ``None`` where unknown.
        name: for messages.
        geometry: of the images' pixels, and where every slice lies; ``None`` where unknown.

    Raises:
        InputError: shapes do not agree, there are next to no numbers for an image of that shape, or numbers are not
            real or not finite, or all zero.
    """

    measurement: NDArray[np.inexact]
    image_shape: tuple[int, int]
    noise_std: float | None = None
    ground_truth: NDArray[np.inexact] | None = None
    name: str = "measurement"
    geometry: Geometry | None = None

    def __post_init__(self) -> None:
        if self.measurement.ndim < 2 or self.measurement.size == 0:
            raise InputError(f"{self.name}: the measurement has shape {self.measurement.shape}; it is (slices, ...).")
        if min(self.image_shape) < 1:
            raise InputError(f"{self.name}: image_shape is {self.image_shape}; sides are positive.")
        pixels, numbers = math.prod(self.image_shape), self.measurement[0].size
        if pixels > _MOST_PIXELS * numbers:
            raise InputError(
                f"{self.name}: image_shape is {self.image_shape}, {pixels} pixels of which {numbers} numbers were "
                "measured; that is too little to tell an image."
            )
        shape = (self.slices, *self.image_shape)
        if self.ground_truth is not None and self.ground_truth.shape != shape:
            raise InputError(
                f"{self.name}: ground_truth has shape {self.ground_truth.shape}, but the measurement is of {shape}."
            )
        for what, array in (("measurement", self.measurement), ("ground_truth", self.ground_truth)):
            if array is None:
                continue
            if np.iscomplexobj(array):
                raise InputError(f"{self.name}: {what} is complex, but these instruments measure real images.")
            if not np.isfinite(array).all():
                raise InputError(f"{self.name}: {what} holds NaN or infinity; mend it.")
            if not array.any():
                raise InputError(f"{self.name}: {what} is zero everywhere.")
        if self.noise_std is not None and not 0 <= self.noise_std < np.inf:
            raise InputError(f"{self.name}: noise_std is {self.noise_std}; it must be a finite number, zero or more.")
        if self.geometry is not None:
            self.geometry.check(self.name, self.image_shape, self.slices)

    @property
    def slices(self) -> int:
        """Number of slices."""
        return len(self.measurement)

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """Every pixel, bool ``(H, W)``: each is seen by some number of the measurement."""
        return np.ones(self.image_shape, bool)

    @property
    def empty(self) -> frozenset[int]:
        """Slices of which nothing was seen."""
        return frozenset(np.flatnonzero(~self.measurement.reshape(self.slices, -1).any(axis=1)).tolist())

    def digest(self, index: int) -> str:
        """The SHA-256 of all that is known of a slice."""
        truth = None if self.ground_truth is None else self.ground_truth[index]
        return digest_of(self.noise_std, self.measurement[index], self.image_shape, truth)

    def select(self, slices: Sequence[int]) -> Self:
        """What was measured of these slices alone."""
        index = list(slices)
        truth = None if self.ground_truth is None else self.ground_truth[index]
        geometry = None if self.geometry is None else self.geometry.select(index)
        return dataclasses.replace(self, measurement=self.measurement[index], ground_truth=truth, geometry=geometry)
