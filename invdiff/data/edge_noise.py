"""The level of noise at the edges of k-space, where a scan holds least signal.

A sharp object has signal there too, so this is a last resort, and a check that both edges are alike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.scale import largest_part

_BANDS = 8  # stretches of axis -2, each with a tile at either end of axis -1
_OUTERMOST = 0.05  # of the sampled positions of half a band make its tile
_QUIET = 1.3  # tiles with at most this many times the power of the quietest are taken to hold noise alone
_UNEVEN = 2.0  # between the powers at the two ends of axis -1: noise that is the same everywhere differs less
_LEAST = 0.3  # relative uncertainty where power does not fall outwards at all
_FULL_REACH = 0.8  # of half of axis -1: an end that was sampled less far out (partial Fourier) may hold signal


@dataclass(frozen=True)
class EdgeNoise:
    """Noise as the edges of k-space show it, signal included.

    Attributes:
        std: of each real number, in the units of k-space, at the louder end of axis -1.
        uncertainty: of ``std``, relative. What falls outwards is signal, so it is large where that is much.
        unevenness: the standard deviation at the louder end over that at the other; one where the two are alike or
            can't be compared. Filters and interference removal make noise that no one level describes.
    """

    std: float
    uncertainty: float
    unevenness: float


def edge_noise(kspace: NDArray[np.complexfloating[Any, Any]], mask: NDArray[np.bool_]) -> EdgeNoise | None:
    """The noise in the quietest of tiles at either end of axis -1; None where a tile would be empty.

    Args:
        kspace: ``(slices, coils, H, W)``.
        mask: bool ``(H, W)``.
    """
    scale = largest_part(kspace)
    powers = []  # of the tiles at the two ends of each band
    for rows in np.array_split(np.arange(mask.shape[0]), min(_BANDS, mask.shape[0])):
        y, x = np.nonzero(mask[rows])
        outwards = np.argsort(x, kind="stable")
        count = min(int(np.ceil(_OUTERMOST / 2 * len(x))), len(x) // 2)
        for end in (outwards[:count], outwards[len(x) - count :]):
            tile = kspace[:, :, rows[y[end]], x[end]].astype(np.complex128) / scale
            powers.append((np.abs(tile) ** 2).mean() / 2 if count else np.nan)
    both = np.array(powers).reshape(-1, 2)
    both = both[np.isfinite(both).all(axis=1)]
    if len(both) == 0:
        return None
    quietest = both.min(axis=0)
    columns = np.flatnonzero(mask.any(axis=0)) - mask.shape[1] // 2
    comparable = min(-columns[0], columns[-1]) >= _FULL_REACH * (mask.shape[1] // 2 - 1) and quietest.min() > 0
    ratio = float(quietest.max() / quietest.min()) if comparable else 1.0
    tiles = both[:, quietest.argmax()] if ratio > _UNEVEN else both.ravel()
    power = tiles[tiles <= _QUIET * tiles.min()].mean()
    half_way = mask & (np.abs(_outwards(mask.shape) - 0.5) < 0.1)
    inner = (np.abs(kspace[:, :, half_way].astype(np.complex128) / scale) ** 2).mean() / 2 if half_way.any() else np.inf
    fall = float(np.log(inner / power)) / 2 if power > 0 else np.inf
    uneven = float(np.sqrt(ratio)) if ratio > _UNEVEN else 1.0
    return EdgeNoise(scale * float(np.sqrt(power)), max(_LEAST, fall), uneven)


def _outwards(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """How far out each position ``(H, W)`` lies: zero at the centre, one at the nearest edge."""
    height, width = (np.abs(np.arange(n) - n // 2) / (n / 2) for n in shape)
    return np.maximum.outer(height, width)
