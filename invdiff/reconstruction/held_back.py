"""Samples held back: what a reconstruction from the others has to explain."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import calibration_region
from invdiff.errors import InputError

Mask = NDArray[np.bool_]

_SHARE = 0.12  # of what was sampled outside the calibration region
_FEWEST = 4  # lines, or points, of which some can be held back


def held_back(sampled: Mask) -> Mask:
    """One in eight of the samples outside the calibration region: whole lines where whole lines were sampled, else
    points; always the same.

    Args:
        sampled: bool ``(H, W)``.

    Raises:
        InputError: there are fewer than four to choose from.
    """
    centre = np.zeros_like(sampled)
    h, w = (
        slice(n // 2 - side // 2, n // 2 - side // 2 + side)
        for n, side in zip(sampled.shape, calibration_region(sampled), strict=True)
    )
    centre[h, w] = True
    outside = sampled & ~centre
    held = np.zeros_like(sampled)
    for axis in (0, 1):
        if (sampled.any(axis) == sampled.all(axis)).all():
            lines = np.moveaxis(held, 1 - axis, 0)
            lines[_some(np.asarray(outside.any(axis)))] = True
            return held & outside
    held.flat[_some(np.ravel(outside))] = True
    return held


def _some(among: NDArray[Any]) -> NDArray[np.intp]:
    places = np.flatnonzero(among)
    if len(places) < _FEWEST:
        raise InputError(
            f"{len(places)} line(s) or point(s) outside the calibration region are too few to hold some back."
        )
    return np.random.default_rng(0).choice(places, max(1, round(_SHARE * len(places))), replace=False)
