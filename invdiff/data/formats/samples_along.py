"""Samples and the points at which they lie, as files have them, made slices along a trajectory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.stack_of_planes import is_flat, unstacked
from invdiff.data.trajectory import Trajectory
from invdiff.data.trajectory_units import Matrix, told_points
from invdiff.errors import InputError
from invdiff.within import LARGEST, SMALLEST

_SPARSER = 1.05  # times as far apart as planes of a stack are that fill the field of view


@dataclass(frozen=True, eq=False)
class SamplesAlong:
    """Samples, and where they lie.

    Attributes:
        kspace: ``(slices, coils, readouts, samples)``; of a stack of planes, one slice of all their readouts.
        points: finite ``(slices, readouts, samples, dimensions)`` in units of the file; of one slice, where all have
            the same.
        what: points are, for sentences.
        measured: bool ``(readouts, samples)``, as of `Trajectory`.
        planes: that a stack has, where the file says it.
    """

    kspace: NDArray[Any] = field(repr=False)
    points: NDArray[np.float64] = field(repr=False)
    what: str
    measured: NDArray[np.bool_] | None = field(default=None, repr=False)
    planes: int | None = None

    def in_slices(
        self, grids: Sequence[Matrix], voxel_mm: tuple[float, float] | None
    ) -> tuple[NDArray[Any], Trajectory, Matrix, tuple[str, ...]]:
        """K-space ``(slices, coils, readouts, samples)``, its trajectory, the matrix of the image, and sentences on how
        the points were understood.

        Args:
            grids: as of `told_points`, like the other.
            voxel_mm: sides of a pixel.

        Raises:
            InputError: units are not told, points lie outside the grid, or they are of three dimensions and no stack
                of planes from which slices can be made.
        """
        if is_flat(self.points):
            if self.planes is not None and self.planes > 1:
                raise InputError(f"{self.what} is of one plane, where the file speaks of {self.planes}.")
            points, matrix, remarks = told_points(self.points[..., :2], grids, voxel_mm, self.what)
            same = bool((points == points[:1]).all())
            return self.kspace, self._trajectory(points[0] if same else points, self.measured), matrix, remarks
        if len(self.kspace) > 1:
            raise InputError(
                f"{self.what} is three-dimensional, of {len(self.kspace)} slabs, of which one can be read; split the "
                "file by slab."
            )
        if self.measured is not None:
            raise InputError(f"{self.what} is three-dimensional, of readouts of several lengths, which can't be read.")
        planes = None if self.planes == 1 else self.planes
        stack = unstacked(self.kspace[0], self.points[0], self.what, planes)
        count = len(stack.kspace)
        points, matrix, remarks = told_points(stack.points, grids, voxel_mm, self.what)
        in_grid = np.isclose(np.abs(stack.points).max(), np.abs(points * matrix).max())
        if count != (planes or count) or (in_grid and stack.apart > _SPARSER):
            known = f"{stack.apart:.3g} apart" if count == (planes or count) else f"of {planes} that the file speaks of"
            raise InputError(
                f"{self.what} has {count} planes along kz, {known}: slices take all of them; in Python, "
                "NonUniformFourier takes points of three dimensions."
            )
        return stack.kspace, self._trajectory(points, None), matrix, remarks

    def _trajectory(self, points: NDArray[np.float64], measured: NDArray[np.bool_] | None) -> Trajectory:
        try:
            return Trajectory(points, measured)
        except InputError as error:
            raise InputError(f"{self.what}: {error}") from error


def points_in(array: NDArray[Any], what: str, *, first: bool) -> NDArray[np.float64]:
    """Finite points ``(..., 2)`` or ``(..., 3)`` of an array of them, in its units.

    Args:
        array: with an axis of two or three coordinates; or of complex numbers, whose real part is the first
            coordinate.
        what: it is, for sentences.
        first: whether that axis comes first, where the array's shape allows both; else it comes last.

    Raises:
        InputError: it has no such axis, is not finite, zero everywhere, or too large or small to compute with.
    """
    if np.iscomplexobj(array):
        array = np.stack([array.real, array.imag], axis=0 if first else -1)
    ends = (0, -1) if first else (-1, 0)
    axis = next((end for end in ends if array.ndim > 1 and array.shape[end] in (2, 3)), None)
    if axis is None:
        raise InputError(
            f"{what} has shape {array.shape}; a trajectory has two coordinates along its "
            f"{'first' if first else 'last'} axis."
        )
    points: NDArray[np.float64] = np.moveaxis(array, axis, -1).astype(np.float64)
    if not np.isfinite(points).all():
        raise InputError(f"{what} of shape {array.shape} holds NaN or infinity.")
    if not points[..., :2].any():
        raise InputError(f"{what} of shape {array.shape} is zero everywhere.")
    for reach in (float(np.abs(points[..., :2]).max()), float(np.abs(points).max())):
        if not SMALLEST <= reach <= LARGEST:
            raise InputError(f"{what} reaches {reach:.4g}, which is in no unit; store it in cycles per pixel.")
    return points
