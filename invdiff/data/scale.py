"""The scale of complex numbers, at either end of their precision."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def largest_part(array: NDArray[np.complexfloating[Any, Any]]) -> float:
    """The largest real or imaginary part, by size. Unlike a magnitude it can't overflow."""
    return float(max(np.abs(array.real).max(), np.abs(array.imag).max()))
