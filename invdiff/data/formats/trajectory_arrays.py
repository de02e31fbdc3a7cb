"""Named arrays that are a scan along a trajectory: its points beside the samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.axes import Axes
from invdiff.data.formats.contents import FASTEST_FIRST, Contents
from invdiff.data.formats.geometry_arrays import GEOMETRY_KEYS, geometry_in
from invdiff.data.formats.header import geometry_of
from invdiff.data.formats.layout import HEADER, OPTIONAL, arrays_by, as_level, check_numbers, fitting_axes, noise_of
from invdiff.data.formats.layouts import find_name
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.trajectory import Trajectory
from invdiff.data.trajectory_units import Matrix, told_points
from invdiff.errors import InputError

_ROLES = ("kspace", "trajectory", "matrix", "maps", "noise", "noise_std", "ground_truth")
_FLAT = 1e-6  # of the largest coordinate: a third one is zero


def holds_trajectory(contents: Contents) -> bool:
    """Whether a file's samples lie along a trajectory."""
    return find_name(contents, "trajectory") is not None


def scan_along(path: Path, contents: Contents, axes: Axes | None = None) -> NonCartesianScan:
    """The scan in a file of named arrays, one of which is a trajectory.

    Args:
        path: of the file.
        contents: of the file.
        axes: of k-space, as a user says them: refused.

    Raises:
        InputError: the arrays are no such scan.
    """
    if axes is not None:
        raise InputError(f"{path} holds a trajectory, which tells what the axes of its samples are; leave out --axes.")
    names = {role: name for role in _ROLES if (name := find_name(contents, role)) is not None}
    arrays: dict[str, Any] = {}
    for role, name in names.items():
        stored = contents.find(name)
        if stored is None:
            raise InputError(f"{path}: {name} is no array.")
        check_numbers(path, name, stored)
        arrays[role] = stored[()]
    if "kspace" not in arrays:
        held = ", ".join(contents.described)
        raise InputError(f"{path} holds a trajectory, but no 'kspace' of its samples; it holds {held}.")
    reverse = contents.order == FASTEST_FIRST
    points = points_in(arrays["trajectory"], f"{path}: {names['trajectory']}", first=reverse)
    kspace, points = fitted(arrays["kspace"], points, reverse, f"{path}: {names['kspace']}")
    matrix = _matrix(path, arrays, reverse)
    geometry = None if matrix is None else geometry_in(path, arrays_by(contents, GEOMETRY_KEYS), matrix)
    header = contents.text(HEADER)
    if geometry is None and header is not None and matrix is not None:
        geometry = geometry_of(path, header, matrix)
    voxel = None if geometry is None else geometry.voxel_size
    points, matrix, remarks = told_points(
        points, [] if matrix is None else [matrix], voxel, f"{path}: {names['trajectory']}"
    )
    lengths = {"slice": len(kspace), "coil": kspace.shape[1], "y": matrix[0], "x": matrix[1]}
    known = {
        role: fitting_axes(arrays[role], lengths, OPTIONAL[role], contents.order, f"{path}: {role}").arranged(
            arrays[role]
        )
        for role in OPTIONAL
        if role in arrays
    }
    maps, truth = known.get("maps"), known.get("ground_truth")
    return NonCartesianScan(
        kspace=kspace,
        trajectory=_trajectory(path, points),
        matrix=matrix,
        maps=None if maps is None else np.broadcast_to(maps, (len(kspace), *maps.shape[1:])),
        noise_std=as_level(path, arrays.get("noise_std")),
        noise=noise_of(arrays.get("noise"), kspace.shape[1]),
        ground_truth=None if truth is None else truth[:, 0],
        name=path.name,
        attributes=contents.attributes,
        remarks=(*remarks, *(() if geometry is None else geometry.remarks)),
        geometry=geometry,
    )


def points_in(array: NDArray[Any], what: str, *, first: bool) -> NDArray[np.float64]:
    """Finite points ``(..., 2)`` of an array of them, in its units.

    Args:
        array: with an axis of two coordinates, or of three the last of which is zero; or of complex numbers, whose real
            part is the first coordinate.
        what: it is, for sentences.
        first: whether that axis comes first, where the array's shape allows both; else it comes last.

    Raises:
        InputError: it has no such axis, is three-dimensional or not finite.
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
    if points.shape[-1] == 3 and np.abs(points[..., 2]).max() > _FLAT * np.abs(points).max():
        raise InputError(f"{what} of shape {array.shape} is three-dimensional; those of two dimensions are read.")
    if not points[..., :2].any():
        raise InputError(f"{what} of shape {array.shape} is zero everywhere.")
    return points[..., :2]


def fitted(
    kspace: NDArray[Any], points: NDArray[np.float64], reverse: bool, what: str
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Samples ``(slices, coils, readouts, samples)``, and their points ``(readouts, samples, 2)``.

    The axes of the samples that are as long as those of the points are theirs; the others are of coils, and of slices
    outside of them. Along a readout points lie nearer to each other than from one readout to the next.

    Args:
        kspace: as stored.
        points: ``(..., 2)``, as stored.
        reverse: whether the first axis is the fastest.
        what: samples are, for sentences.

    Raises:
        InputError: they do not fit each other.
    """
    if reverse:
        kspace, points = kspace.T, np.moveaxis(points.T, 0, -1)
    for drop in (np.asarray, np.squeeze):
        samples, places = drop(kspace), drop(points)
        sides = places.shape[:-1]
        outer = samples.ndim - len(sides)
        if len(sides) == 2 and samples.shape[outer:] == sides[::-1] != sides:
            places, sides = places.swapaxes(0, 1), sides[::-1]
        if len(sides) in (1, 2) and outer in (0, 1, 2) and samples.shape[outer:] == sides:
            return _in_order(samples.reshape(*(1,) * (2 - outer), *samples.shape[:outer], -1, sides[-1]), places)
    raise InputError(
        f"{what} has shape {kspace.shape}, and the trajectory has points of shape {points.shape[:-1]}; the last "
        "axes of the samples must be those of the points, behind those of slices and coils."
    )


def _in_order(samples: NDArray[Any], points: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    points = points.reshape(-1, points.shape[-2], 2)
    if _step(points, 0) < _step(points, 1):
        points, samples = points.swapaxes(0, 1), samples.swapaxes(-2, -1)
    return samples, np.ascontiguousarray(points)


def _step(points: NDArray[np.float64], axis: int) -> float:
    """From one point to the next along an axis, on average."""
    return float(np.linalg.norm(np.diff(points, axis=axis), axis=-1).mean()) if points.shape[axis] > 1 else np.inf


def _matrix(path: Path, arrays: dict[str, NDArray[Any]], reverse: bool) -> Matrix | None:
    """(H, W) as the file says it, or as its maps or ground truth have it."""
    if "matrix" in arrays:
        found = np.asarray(arrays["matrix"]).reshape(-1)
        if found.shape != (2,) or found.dtype.kind not in "iuf" or not (found == np.round(found)).all():
            raise InputError(f"{path}: matrix must be two sizes, (H, W), not {found.dtype} of shape {found.shape}.")
        sides = tuple(map(int, found))
    else:
        known: Sequence[NDArray[Any]] = [arrays[role] for role in ("ground_truth", "maps") if role in arrays]
        known = [array for array in known if array.ndim >= 2]
        if not known:
            return None
        sides = known[0].shape[:2] if reverse else known[0].shape[-2:]
    if min(sides) < 2:
        raise InputError(f"{path}: an image has two pixels along each side at least, but its matrix is {sides}.")
    return sides[0], sides[1]


def _trajectory(path: Path, points: NDArray[np.float64]) -> Trajectory:
    try:
        return Trajectory(points)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
