"""Whether numbers are of k-space or of an image.

Signal gathers at one place of k-space and spreads over the image, and either is the Fourier transform of the other. So
of the two, the one in which less gathers is the image.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.axis_order import spread
from invdiff.data.fourier import to_image
from invdiff.data.scale import largest_part

_SHORTEST = 16  # side of an image, below which nothing is told
_GATHERED = 0.3  # of an axis, which k-space spreads over at most unless it is mostly noise (measured: 0.004 to 0.12)
_MORE = 10.0  # times what the transform spreads over (measured: 0.0001 to 1.9 for k-space, 900 to 2,100 for images)
_POINT = 2.0  # samples of an axis, which a point spreads over at most: its k-space is flat (measured: 4 to 8 of images)


def is_image(array: NDArray[np.complexfloating[Any, Any]]) -> bool:
    """Whether what should be k-space ``(..., H, W)`` clearly is an image."""
    sides = array.shape[-2:]
    spreads = spread(array)[-2:]
    if min(sides) < _SHORTEST or min(spreads) < _GATHERED:
        return False
    of_transform = spread(to_image(array / (largest_part(array) or 1.0)))[-2:]
    is_point = min(np.multiply(of_transform, sides)) < _POINT
    return not is_point and bool(np.prod(spreads) > _MORE * np.prod(of_transform))
