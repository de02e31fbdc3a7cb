"""How near a reconstruction is to the truth, by fastMRI's conventions.

All compare magnitudes of volumes ``(slices, H, W)`` (or single images ``(H, W)``), real or complex, in the same units;
the range of the data is the largest magnitude of the true volume. Zbontar et al., fastMRI: an open dataset and
benchmarks for accelerated MRI (arXiv 1811.08839). The target is part of every score: the root sum of squares holds
noise in its background that a combination of coils by their maps does not.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError

Image = NDArray[Any]

_WINDOW = 7


def psnr(truth: Image, image: Image) -> float:
    """Peak signal to noise ratio in dB over the whole volume; infinite where both are equal.

    Raises:
        InputError: shapes differ, numbers are not finite, or the truth is zero.
    """
    a, b = _magnitudes(truth, image)
    error = float(np.mean((a - b) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(a.max() ** 2 / error))


def ssim(truth: Image, image: Image) -> float:
    """Structural similarity (Wang et al., IEEE Transactions on Image Processing 13, 2004), the mean over slices.

    By scikit-image, with a uniform window of 7 x 7 and the volume's range.

    Raises:
        InputError: as `psnr`, or a side is shorter than the window.
    """
    from skimage.metrics import structural_similarity

    a, b = _magnitudes(truth, image)
    if min(a.shape[1:]) < _WINDOW:
        raise InputError(
            f"SSIM looks through a window of {_WINDOW} x {_WINDOW}, so images of shape {a.shape[1:]} are too small."
        )
    similarity: Any = structural_similarity  # the library carries no types
    return float(np.mean([similarity(x, y, win_size=_WINDOW, data_range=a.max()) for x, y in zip(a, b, strict=True)]))


def nmse(truth: Image, image: Image) -> float:
    """Normalised mean squared error over the whole volume: ``||truth - image||^2 / ||truth||^2``.

    Raises:
        InputError: as `psnr`.
    """
    a, b = _magnitudes(truth, image)
    return float(((a - b) ** 2).sum() / (a**2).sum())


def _magnitudes(truth: Image, image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
