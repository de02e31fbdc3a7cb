"""Uncertainty of an image's magnitude, on its own scale: of pixels, and of regions."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.reconstruction.uncertainty.student import Numbers, Student, check_several

LEVEL = 0.9
"""Of the intervals that are written."""


@dataclass(frozen=True, eq=False)
class Magnitude:
    """What posterior samples about an image tell of its magnitude.

    Samples are complex, and the phase is rarely of interest: their magnitudes scatter about that of the image by what
    the eye sees, where noise is small against it by the part of the noise that is in phase. In the background a
    magnitude's mean is above the image's, as Rice (1944) found.

    Attributes:
        samples: magnitudes of the samples about the image, float64 ``(K, H, W)``, in the image's units.
        is_centre_known: whether the image is one of its own, and not the samples' mean.
    """

    samples: Numbers
    is_centre_known: bool

    @classmethod
    def of(cls, samples: NDArray[np.inexact], image: NDArray[np.inexact] | None = None) -> Self:
        """What samples tell of an image.

        Args:
            samples: ``(K, H, W)``, real or complex; moved, so that their mean is the image.
            image: of its own, ``(H, W)``, such as an estimate that is better than their mean; None: their mean.

        Raises:
            InputError: shapes don't fit, there are fewer than two samples, or numbers are not finite.
        """
        if samples.ndim != 3 or (image is not None and image.shape != samples.shape[1:]):
            given = "" if image is None else f" about one of shape {image.shape}"
            raise InputError(f"Samples are (K, H, W) about an image (H, W), not {samples.shape}{given}.")
        check_several(len(samples))
        if not np.isfinite(samples).all() or not (image is None or np.isfinite(image).all()):
            raise InputError(f"The samples of shape {samples.shape}, or their image, hold NaN or infinity.")
        about = samples.astype(np.complex128)
        about += 0 if image is None else image - about.mean(axis=0)
        return cls(np.abs(about), image is not None)

    @property
    def std(self) -> NDArray[np.float32]:
        """The standard deviation of every pixel's magnitude, float32 ``(H, W)``, with K - 1."""
        found: NDArray[np.float32] = self.samples.std(axis=0, ddof=1).astype(np.float32)
        return found

    @property
    def pixels(self) -> Student:
        """The magnitude of every pixel, ``(H, W)``."""
        return self._told(self.samples)

    def mean_in(self, region: NDArray[np.bool_]) -> Student:
        """The mean magnitude in a region: of each sample one number, so that pixels may be correlated as they are.

        Args:
            region: bool ``(H, W)``.

        Raises:
            InputError: the region is of another shape, or empty.
        """
        return self._told(self._means(region))

    def difference(self, region: NDArray[np.bool_], other: NDArray[np.bool_]) -> Student:
        """By how much one region is brighter than another, in the mean: by the differences within each sample, so
        that what both have in common cancels. `probability_above_zero` is that it is brighter.

        Args:
            region: bool ``(H, W)``.
            other: the same.

        Raises:
            InputError: a region is of another shape, or empty.
        """
        return self._told(self._means(region) - self._means(other))

    def _means(self, region: NDArray[np.bool_]) -> Numbers:
        shape = self.samples.shape[1:]
        if region.shape != shape or region.dtype != bool or not region.any():
            raise InputError(
                f"A region of an image of {shape[0]} x {shape[1]} is a mask of booleans of that shape, with one pixel "
                f"or more in it; this is {region.dtype} of shape {region.shape}, with {np.count_nonzero(region)}."
            )
        means: Numbers = self.samples[:, region].mean(axis=1)
        return means

    def _told(self, samples: Numbers) -> Student:
        return Student.of(samples, is_centre_known=self.is_centre_known)
