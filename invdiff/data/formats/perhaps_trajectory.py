"""Arrays that may be a trajectory or something else, by what they are called: their numbers tell."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.contents import FASTEST_FIRST, Contents
from invdiff.data.formats.layouts import find_name
from invdiff.data.formats.samples_along import points_in
from invdiff.errors import InputError

_FLAT = 1e-6  # of the largest coordinate, as a singular value: points are on one line
_EVEN = 0.2  # participation ratio of squared distances from the centre: 0.56 of spokes, 0.75 of spirals
_CENTRE = 0.1  # of the largest distance, within which a readout comes
_BEND = 0.5  # of a step: spokes have none, a turn of a spiral has dozens of samples, and of k-space it is 1.7


def trajectory_in_doubt(contents: Contents) -> tuple[str, NDArray[Any]] | None:
    """The name and the points of what may be a trajectory by its name, beside k-space, and is one by its numbers: in
    two dimensions, on no grid, and running smoothly from one to the next."""
    if find_name(contents, "kspace") is None:
        return None
    for roles in (("perhaps_trajectory",), ("perhaps_along_first", "perhaps_along_second")):
        names = [name for role in roles if (name := find_name(contents, role)) is not None]
        held = [stored[()] for name in names if (stored := contents.find(name)) is not None]
        if len(held) < len(roles) or any(array.shape != held[0].shape for array in held):
            continue
        array = held[0] if len(held) == 1 else np.stack(held, axis=0 if contents.order == FASTEST_FIRST else -1)
        if array.dtype.kind in "fiuc" and _runs_smoothly(array, first=contents.order == FASTEST_FIRST):
            return " and ".join(names), array
    return None


def _runs_smoothly(array: NDArray[Any], *, first: bool) -> bool:
    """Whether numbers are points of readouts: in two dimensions, on no grid along the array's axes, from the centre
    evenly to the edge, and nearly straight from one to the next along an axis. K-space of small objects is smooth, too,
    but strong about its centre alone, or alike everywhere."""
    try:
        points = points_in(array, "", first=first)[..., :2]
    except InputError:
        return False
    axes = [axis for axis in range(points.ndim - 1) if points.shape[axis] > 1]
    on_grid = [any(not np.ptp(points[..., k], axis=axis).any() for axis in axes) for k in (0, 1)]
    power = (points**2).sum(axis=-1) / np.abs(points).max() ** 2
    if (
        all(on_grid)
        or np.linalg.matrix_rank(points.reshape(-1, 2), tol=_FLAT * np.abs(points).max()) < 2
        or power.mean() ** 2 < _EVEN * (power**2).mean()
        or power.min() > _CENTRE**2 * power.max()
    ):
        return False
    steps = [np.diff(points, axis=axis) for axis in axes]
    bends = [np.diff(step, axis=axis) for step, axis in zip(steps, axes, strict=True)]
    return any(
        bend.size and np.median(np.abs(bend)) < _BEND * np.median(np.abs(step))
        for bend, step in zip(bends, steps, strict=True)
    )
