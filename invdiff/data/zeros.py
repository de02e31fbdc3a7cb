"""Which zeros of k-space are places that were not sampled, and which are values.

A sample is exactly zero by chance too: numbers of few bits, simulations without noise, dead samples. So zeros that lie
about singly are values. Places that were left out show a pattern: whole lines, blocks, or a large part of all points.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_LINE = 4  # samples at least: of fewer all may be zero by chance
_BLOCK = 4  # sides of the smallest block
_MANY = 0.2  # of the points, beyond which zeros are no chance
_NO_NOISE = 0.01  # of the points may be zero where there is noise, such as dead samples


def sampled_of(nonzero: Mask) -> Mask:
    """Where a scan was sampled, as its zeros tell.

    Args:
        nonzero: bool ``(H, W)``, where any slice and coil holds something.

    Returns:
        bool ``(H, W)``: all but lines, blocks and, where they are more than a fifth of the rest, points that are zero.
    """
    kept, single = _without_lines_and_blocks(np.ones(nonzero.shape, bool), nonzero)
    return kept if single <= _MANY else nonzero.copy()


def measured_of(mask: Mask, nonzero: Mask) -> Mask:
    """What of a given mask was measured: lines and blocks of zeros that it covers are padding, or were lost.

    Noise is never exactly zero. So the mask is taken at its word where other samples of it are zero too.

    Args:
        mask: bool ``(H, W)``, where the scan is said to have been sampled.
        nonzero: bool ``(H, W)``, where any slice and coil holds something.
    """
    kept, single = _without_lines_and_blocks(mask, nonzero)
    return kept if single <= _NO_NOISE else mask.copy()


def _without_lines_and_blocks(mask: Mask, nonzero: Mask) -> tuple[Mask, float]:
    """The mask, without the rows, columns and blocks in which all that it covers is zero; the part of zeros in the
    rest."""
    from scipy.ndimage import binary_opening, binary_propagation

    rows, columns = (~(mask & nonzero).any(axis=axis) & (mask.sum(axis=axis) >= _LINE) for axis in (1, 0))
    kept = mask & ~rows[:, None] & ~columns
    some = np.ix_(kept.any(axis=1), kept.any(axis=0))  # blocks are blocks of the lines that were measured
    zeros = (kept & ~nonzero)[some]
    beyond = _BLOCK // 2  # as if zeros went on there, so that cut corners are blocks
    blocks = binary_opening(np.pad(zeros, beyond, constant_values=True), np.ones((_BLOCK, _BLOCK)))
    blocks = blocks[beyond:-beyond, beyond:-beyond]
    rest = int(np.count_nonzero(kept[some] & ~blocks))
    single = int(np.count_nonzero(zeros & ~blocks)) / max(1, rest)
    kept[some] &= ~binary_propagation(blocks, mask=zeros)
    return kept, single
