"""Densities of samples as brightness."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def brightness_of(density: NDArray[Any]) -> NDArray[np.float64]:
    """From 0, where nothing is, to 1: half where there is as much as usual, so that thin lines are seen beside a dense
    centre.

    Args:
        density: of any shape, zero or more.
    """
    density = density.astype(np.float64)
    some = density[density > 0]
    usual = float(np.median(some)) if some.size else 1.0
    return density / (density + usual)
