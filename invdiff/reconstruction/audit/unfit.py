"""Lines that do not fit the others: spiked, of another moment, or else corrupted."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from invdiff.reconstruction.audit.lines import by_line
from invdiff.reconstruction.audit.prediction import Prediction

_FEWEST = 5  # lines, of which medians are to be told
_RARE = 1e-3  # of noise alone, that any line is taken for unfit
_FAR = 3.0  # times what the others leave, beyond what chance adds
_WIDE = 5.0  # deviations of what the others leave


def unfit(found: Prediction) -> NDArray[np.bool_]:
    """Which positions are in lines, or are points, that leave far more of themselves than the others, ``(n,)``.

    What a line is expected to leave is a + b s, of the signal s that is predicted in it: a is the median of what the
    weaker half of the lines leave, b the median of what the stronger half leave beyond a over their signal. So neither
    a noise level nor maps that are wrong for all lines alike make one of them unfit, nor a few lines the others. By how
    much a line must be above is told by chance (the tail of a chi-square distribution, as if all coils had one noise)
    and by how far the others scatter (their median absolute deviation).

    Args:
        found: what an image says of samples; few lines at once tell nothing.
    """
    line = np.unique(found.places.line, return_inverse=True)[1]
    each = np.bincount(line)
    if len(each) < _FEWEST:
        return np.zeros(len(line), bool)
    error, signal = by_line(line, found.error, found.signal) / each
    weak = signal <= np.median(signal)
    floor = np.median(error[weak])
    grows = max(float(np.median((error - floor)[~weak] / signal[~weak])), 0.0) if not weak.all() else 0.0
    excess = np.log(np.maximum(error, np.finfo(float).tiny) / np.maximum(floor + grows * signal, np.finfo(float).tiny))
    excess -= np.median(excess)
    numbers = 2.0 * each * found.slices
    by_chance = np.log(_FAR * chdtri(numbers, _RARE / len(each)) / numbers)
    by_scatter = _WIDE * 1.4826 * np.median(np.abs(excess))
    found_out: NDArray[np.bool_] = (excess > np.maximum(by_chance, by_scatter))[line]
    return found_out
