"""How rough a volume is from slice to slice, which no score of slices sees."""

import numpy as np

from invdiff.metrics.metrics import Image, magnitudes


def z_roughness(truth: Image, image: Image) -> float:
    """Mean squared difference of the magnitudes of neighbouring slices, over that of the truth: 1 is as rough as the
    truth.

    What is made slice by slice adds errors that flicker and takes away detail, and both count: an image may be as rough
    as the truth and rough elsewhere. Noise of the truth is a part of its own roughness. Of a single slice, or where all
    slices of the truth are the same, it is 1 for an image that is the same in all slices, and infinite for others.

    Args:
        truth: ``(slices, H, W)``, real or complex, neighbours in space in their order.
        image: likewise, in the same units.

    Raises:
        InputError: as `psnr`.
    """
    a, b = (float((np.diff(volume, axis=0) ** 2).sum()) for volume in magnitudes(truth, image))
    if a == 0:
        return 1.0 if b == 0 else float("inf")
    return b / a
