"""Magnitudes as grey pixels."""

import numpy as np
from numpy.typing import NDArray


def white_of(magnitudes: NDArray[np.floating]) -> float:
    """The magnitude that is shown white: the 99.9th percentile of all of them, or one where that is zero."""
    return float(np.percentile(magnitudes, 99.9)) or 1.0


def grey(magnitudes: NDArray[np.floating], white: float) -> NDArray[np.uint8]:
    """Pixels from black, 0, to white, 255."""
    pixels: NDArray[np.uint8] = np.minimum(magnitudes * (255 / white), 255).round().astype(np.uint8)
    return pixels
