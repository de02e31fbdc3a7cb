"""How near a reconstruction is to the truth, by fastMRI's conventions.

All compare magnitudes of volumes ``(slices, H, W)`` (or single images ``(H, W)``), real or complex, in the same units;
the range of the data is the largest magnitude of the true volume. Zbontar et al., fastMRI: an open dataset and
benchmarks for accelerated MRI (arXiv 1811.08839). The target is part of every score: the root sum of squares holds
noise in its background that a combination of coils by their maps does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError

Image = NDArray[Any]
Real = NDArray[np.float64]


def psnr(truth: Image, image: Image) -> float:
    """Peak signal to noise ratio in dB over the whole volume; infinite where both are equal.

    Raises:
        InputError: shapes differ, numbers are not finite, or the truth is zero.
    """
    a, b = magnitudes(truth, image)
    return decibels(float(a.max()), float(np.mean((a - b) ** 2)))


def ssim(truth: Image, image: Image) -> float:
    """Structural similarity (Wang et al., IEEE Transactions on Image Processing 13, 2004), the mean over slices.

    By scikit-image, with a uniform window of 7 x 7 and the volume's range.

    Raises:
        InputError: as `psnr`, or a side is shorter than the window.
    """
    a, b = magnitudes(truth, image)
    return float(np.mean([UNIFORM.inside(UNIFORM.similarity(x, y, a.max())) for x, y in zip(a, b, strict=True)]))


def nmse(truth: Image, image: Image) -> float:
    """Normalised mean squared error over the whole volume: ``||truth - image||^2 / ||truth||^2``.

    Raises:
        InputError: as `psnr`.
    """
    a, b = magnitudes(truth, image)
    return float(((a - b) ** 2).sum() / (a**2).sum())


@dataclass(frozen=True)
class Scores:
    """PSNR in dB, SSIM, and the squared error over the squared truth."""

    psnr: float
    ssim: float
    nmse: float

    @classmethod
    def of(cls, truth: Image, image: Image) -> Self:
        """`psnr`, `ssim` and `nmse` of a volume.

        Raises:
            InputError: as these.
        """
        return cls(psnr(truth, image), ssim(truth, image), nmse(truth, image))


@dataclass(frozen=True)
class Window:
    """What SSIM looks through, as scikit-image's ``structural_similarity`` takes it."""

    side: int
    options: Mapping[str, Any]

    def similarity(self, truth: Real, image: Real, peak: float) -> Real:
        """The structural similarity of images ``(H, W)`` around each pixel; images are mirrored at their edges.

        Raises:
            InputError: a side is shorter than the window.
        """
        from skimage.metrics import structural_similarity

        if min(truth.shape) < self.side:
            raise InputError(
                f"SSIM looks through a window of {self.side} x {self.side}, so images of shape {truth.shape} are too "
                "small."
            )
        function: Any = structural_similarity  # the library carries no types
        similarity: Real = function(truth, image, data_range=peak, full=True, **self.options)[1]
        return similarity

    def inside(self, similarity: Real) -> Real:
        """The pixels of ``(..., H, W)`` whose window does not reach over an edge: those that SSIM is the mean of."""
        edge = self.side // 2
        return similarity[..., edge:-edge, edge:-edge]


UNIFORM = Window(7, {"win_size": 7})
"""Seven by seven pixels alike, and covariances as of samples: scikit-image's default."""

GAUSSIAN = Window(11, {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False})
"""A Gaussian of deviation 1.5 on eleven by eleven pixels, as in the paper and in piq."""


def decibels(peak: float, mean_squared_error: float) -> float:
    """Peak signal to noise ratio; infinite where there is no error."""
    return float("inf") if mean_squared_error == 0 else float(10 * np.log10(peak**2 / mean_squared_error))


def magnitudes(truth: Image, image: Image) -> tuple[Real, Real]:
    """Both as float64 magnitudes ``(slices, H, W)``, if they can be compared."""
    if truth.shape != image.shape or truth.ndim not in (2, 3):
        raise InputError(
            f"Truth and reconstruction must both be (slices, H, W) or (H, W), not {truth.shape} and {image.shape}."
        )
    a, b = (np.abs(volume).astype(np.float64).reshape(-1, *volume.shape[-2:]) for volume in (truth, image))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(
            f"Truth or reconstruction of shape {truth.shape} holds NaN or infinity, so no score means anything."
        )
    if not a.any():
        raise InputError(f"The truth of shape {truth.shape} is zero everywhere, so nothing can be compared with it.")
    return a, b
