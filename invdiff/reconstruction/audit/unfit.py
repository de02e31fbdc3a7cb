"""Lines that do not fit the others: spiked, of another moment, or else corrupted."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.special import chdtri

from invdiff.reconstruction.audit.discrepancy import Discrepancy
from invdiff.reconstruction.audit.lines import Array, by_line
from invdiff.reconstruction.audit.prediction import Prediction

_FEWEST = 4  # lines, of which medians are to be told
_STRONGEST = 5  # lines, of which few can be unfit
_RARE = 1e-3  # of noise alone, that any line is taken for unfit
_WIDE = 5.0  # deviations of what the others leave
_LEFT = 1.4  # times what is expected, beyond chance: lines of measured scans leave 0.9 to 1.15 times that
_PREDICTED = 3.0  # the same of what was never seen, which is told less well
_LEAKED = 0.6  # of what a neighbour leaves too much, which coils and image pass on


def unfit_shown(found: Prediction) -> NDArray[np.bool_]:
    """Which of the samples that an image was made of are in lines, or are points, that leave far more than the others,
    ``(n,)``.

    What a line is expected to leave is a + b s, of the signal s that the image has there: a is the median of what the
    weaker half of the lines leave, b the median of what the stronger half leave beyond a over their signal, or that of
    the five strongest if it is more. So neither a noise level nor maps that are wrong for all lines alike make one of
    them unfit. How far above it must be is told
    by chance (the tail of a chi-square distribution, as if all coils had one noise) and by how far the others scatter
    (their median absolute deviation); what is passed on from a neighbour that is worse is no fault.

    Args:
        found: what the image says of them; few lines tell nothing.
    """
    line, each = _lines(found)
    error, signal = by_line(line, found.error, found.signal) / each
    order = np.argsort(signal)
    floor = np.median(error[order[: (len(order) + 1) // 2]])
    strongest = ((error - floor) / np.maximum(signal, np.finfo(float).tiny))[order]
    grows = max(float(np.median(strongest[-some:])) for some in (max(len(order) // 2, 1), _STRONGEST))
    return _above(found, error, floor + max(grows, 0.0) * signal, _LEFT)


def unfit_hidden(found: Discrepancy) -> NDArray[np.bool_]:
    """Which of the samples that were held back are in lines, or are points, that were predicted far worse than the
    others, ``(n,)``.

    What a line is expected to be off by is the noise and c times the variance of posterior samples, with the median c
    of all lines; the rest as `unfit_shown`.

    Args:
        found: errors and spread; few lines tell nothing.
    """
    line, each = _lines(found)
    error, noise, variance = by_line(line, found.error, found.noise, found.variance) / each
    ratio = max(float(np.median((error - noise) / variance)), 0.0)
    return _above(found, error, noise + ratio * variance, _PREDICTED)


def _lines(found: Prediction) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The number of each position's line, and how many positions are in each line."""
    line = found.places.line
    return line, np.bincount(line)


def _above(found: Prediction, error: Array, expected: Array, far: float) -> NDArray[np.bool_]:
    line, each = _lines(found)
    if len(each) < _FEWEST:
        return np.zeros(len(line), bool)
    tiny = np.finfo(float).tiny
    excess = np.maximum(error, tiny) / np.maximum(expected, tiny)
    excess /= np.median(excess)
    numbers = 2.0 * each * found.slices
    by_chance = far * chdtri(numbers, _RARE / len(each)) / numbers
    by_scatter = np.exp(_WIDE * 1.4826 * np.median(np.abs(np.log(excess))))
    is_source = excess - 1 >= _LEAKED * (excess - 1)[_neighbours(found.places.coordinates)].max(axis=1)
    which: NDArray[np.bool_] = ((excess > np.maximum(by_chance, by_scatter)) & is_source)[line]
    return which


def _neighbours(stands: NDArray[np.int64]) -> NDArray[np.intp]:
    """The lines before and after each, or the nearest points, itself among them."""
    count, dimensions = stands.shape
    if dimensions == 1:
        beside: NDArray[np.intp] = np.clip(np.arange(count)[:, None] + np.array([-1, 0, 1]), 0, count - 1)
        return beside
    found: NDArray[np.intp] = KDTree(stands).query(stands, min(1 + 2 * dimensions, count))[1]
    return found
