"""The units of a trajectory, as its numbers tell them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError

Points = NDArray[np.float64]
Matrix = tuple[int, int]

_REACHES = (0.26, 0.51)
"""Cycles per pixel that the largest coordinate has: the edge of the grid, or half-way there where less was resolved."""


@dataclass(frozen=True)
class Unit:
    """What points of a file are counted in.

    Attributes:
        name: for messages.
        sides: so many of them are one cycle per pixel, along H and W.
    """

    name: str
    sides: tuple[float, float]

    def fits(self, points: Points) -> bool:
        """Whether the largest of points ``(..., 2)`` is then near the edge of the grid."""
        largest = float((np.abs(points) / self.sides).max())
        return _REACHES[0] < largest < _REACHES[1]


def told_points(
    points: Points, grids: Sequence[Matrix], voxel_mm: tuple[float, float] | None, what: str
) -> tuple[Points, Matrix, tuple[str, ...]]:
    """Points in cycles per pixel, the matrix of the image, and a sentence on the units where they are others.

    Cycles per pixel reach 0.5; radians per pixel, pi; units of the grid, half the matrix, which they tell where nothing
    else does; cycles per metre, half of one over the pixel. Points that reach 0.5 or less are taken for the first,
    where no other fits.

    Args:
        points: finite ``(..., 2)`` as stored.
        grids: matrices (H, W) of the field of view's pixels, one over whose length a unit may be: the image's first,
            others of an oversampled readout; none where they are not known.
        voxel_mm: sides of a pixel, where they are known.
        what: they are, for sentences.

    Raises:
        InputError: no unit fits, or several do, or the matrix is not told.
    """
    largest = float(np.abs(points).max())
    matrix = grids[0] if grids else None
    if matrix is None and largest > 2 * np.pi:
        sides = [2 * int(np.ceil(np.abs(points[..., axis]).max() - 0.01)) for axis in (0, 1)]
        matrix = (max(sides[0], 2), max(sides[1], 2))
        remark = f"{what} was taken to be in units of the grid, of which it has {matrix[0]} x {matrix[1]}."
        return points / np.array(matrix, np.float64), matrix, (remark,)
    units = [Unit("cycles per pixel", (1.0, 1.0)), Unit("radians per pixel", (2 * np.pi, 2 * np.pi))]
    units += [Unit(f"units of the grid of {h} x {w}", (float(h), float(w))) for h, w in dict.fromkeys(grids)]
    if voxel_mm is not None:
        metres = (1e3 / voxel_mm[0], 1e3 / voxel_mm[1])
        units += [
            Unit("cycles per metre", metres),
            Unit("radians per metre", (2 * np.pi * metres[0], 2 * np.pi * metres[1])),
        ]
    fitting = [unit for unit in units if unit.fits(points)]
    if not fitting and 0 < largest < _REACHES[1]:
        fitting = units[:1]
    if len(fitting) != 1:
        known = "no unit" if not fitting else " as well as ".join(unit.name for unit in fitting)
        of_grid = "" if matrix is None else f", {matrix[0] / 2:g} and {matrix[1] / 2:g} in units of the grid"
        raise InputError(
            f"{what} reaches {largest:.4g}, which fits {known}: it must reach 0.5 in cycles per pixel, pi in radians "
            f"per pixel{of_grid}, or, with a field of view, the edge of the grid in cycles per metre; store it in "
            "cycles per pixel."
        )
    if matrix is None:
        raise InputError(
            f"{what} is in {fitting[0].name}, which do not tell the matrix of the image; store that in the file, as "
            "'matrix' (H, W)."
        )
    unit = fitting[0]
    remarks = () if unit is units[0] else (f"{what} was taken to be in {unit.name}, as it reaches {largest:.4g}.",)
    return points / np.array(unit.sides), matrix, remarks
