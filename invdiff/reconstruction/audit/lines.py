"""Sums over lines, and how sure what follows from them is: by leaving out line after line."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def by_line(line: NDArray[np.intp], *parts: Array) -> Array:
    """The sum of each part over each line, ``(parts, lines)``.

    Args:
        line: the number of the line that each position is in, ``(n,)``.
        parts: a number at each position, ``(n,)``.
    """
    number = np.unique(line, return_inverse=True)[1]
    return np.stack([np.bincount(number, part) for part in parts])


def jackknife(statistic: Callable[[Array], Array], sums: Array) -> float:
    """One standard deviation of a statistic of sums over lines, by leaving out line after line (Efron, SIAM 1982);
    infinite for fewer than two.

    Args:
        statistic: of sums ``(parts, lines)`` for each column, ``(lines,)``.
        sums: of each line, ``(parts, lines)``.
    """
    lines = sums.shape[1]
    if lines < 2:
        return np.inf
    without = statistic(sums.sum(axis=1, keepdims=True) - sums)
    return float(np.sqrt((lines - 1) / lines * ((without - without.mean()) ** 2).sum()))
