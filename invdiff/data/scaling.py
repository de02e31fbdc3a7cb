"""Which intensity counts as one."""

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError


def intensity_scale(image: NDArray[np.inexact], percentile: float = 99.0) -> float:
    """The given percentile of the magnitudes of an image ``(..., H, W)``, in the image's own units: divide by it.

    Estimate it from what a scan would have (the zero-filled image, say), never from fully sampled data.

    Raises:
        InputError: the percentile is outside 0 to 100, or the scale comes out as zero or not finite.
    """
    if not 0 <= percentile <= 100:
        raise InputError(f"A percentile lies between 0 and 100, not {percentile}.")
    scale = float(np.percentile(np.abs(image), percentile))
    if not (np.isfinite(scale) and scale > 0):
        raise InputError(
            f"The image of shape {image.shape} has a {percentile:g}th percentile of {scale:g}: it can't set a scale."
        )
    return scale
