"""Named arrays that are a scan along a trajectory: its points beside the samples."""

from collections.abc import Sequence
from dataclasses import replace
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
from invdiff.data.formats.perhaps_trajectory import trajectory_in_doubt
from invdiff.data.formats.samples_along import SamplesAlong, points_in
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.stack_of_planes import is_flat
from invdiff.errors import InputError

_ROLES = ("kspace", "trajectory", "mask", "matrix", "maps", "noise", "noise_std", "ground_truth")

_LEAP = 3.0  # times the usual step, from one readout to the next

Both = tuple[NDArray[Any], NDArray[np.float64]]
"""Samples and points."""


def holds_trajectory(contents: Contents) -> bool:
    """Whether a file's samples lie along a trajectory."""
    return find_name(contents, "trajectory") is not None or trajectory_in_doubt(contents) is not None


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
    if "trajectory" not in arrays and (found := trajectory_in_doubt(contents)) is not None:
        names["trajectory"], arrays["trajectory"] = found
    if "kspace" not in arrays:
        held = ", ".join(contents.described)
        raise InputError(f"{path} holds a trajectory, but no 'kspace' of its samples; it holds {held}.")
    reverse, what = contents.order == FASTEST_FIRST, f"{path}: {names['trajectory']}"
    points = points_in(arrays["trajectory"], what, first=reverse)
    samples = fitted(arrays["kspace"], points, reverse, f"{path}: {names['kspace']}", what)
    height, width, planes = (*_matrix(path, arrays, reverse), None, None, None)[:3]
    shape = None if height is None or width is None else (height, width)
    geometry = None if shape is None else geometry_in(path, arrays_by(contents, GEOMETRY_KEYS), shape)
    header = contents.text(HEADER)
    if geometry is None and header is not None and shape is not None:
        geometry = geometry_of(path, header, shape)
    voxel = None if geometry is None else geometry.voxel_size
    measured = _measured(arrays.get("mask"), samples.kspace)
    samples = replace(samples, measured=measured, planes=planes)
    kspace, trajectory, matrix, remarks = samples.in_slices([] if shape is None else [shape], voxel)
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
        trajectory=trajectory,
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


def fitted(kspace: NDArray[Any], points: NDArray[np.float64], reverse: bool, name: str, what: str) -> SamplesAlong:
    """Samples and their points.

    The axes of the samples that are as long as those of the points are theirs; the others are of coils, and of slices
    outside of them. Points have an axis of slices, too, where every slice has its own, and one of planes where they are
    of three dimensions; samples have it before or behind that of coils. Along a readout points lie nearer to each other
    than from one readout to the next.

    Args:
        kspace: as stored.
        points: ``(..., dimensions)``, as stored.
        reverse: whether the first axis is the fastest.
        name: of the samples, for sentences.
        what: points are, for sentences.

    Raises:
        InputError: they do not fit each other.
    """
    if reverse:
        kspace, points = kspace.T, np.moveaxis(points.T, 0, -1)
    for drop in (np.asarray, np.squeeze, _coils_outside):
        arranged = _arranged(drop(kspace), np.squeeze(points) if drop is not np.asarray else points)
        if arranged is not None:
            return SamplesAlong(*_in_readouts(*_in_planes(*_in_order(*arranged))), what)
    raise InputError(
        f"{name} has shape {kspace.shape}, and the trajectory has points of shape {points.shape[:-1]}; the last "
        "axes of the samples must be those of the points, behind those of slices and coils."
    )


def _arranged(samples: NDArray[Any], points: NDArray[np.float64]) -> Both | None:
    """Samples ``(slices, coils, readouts, samples)`` and points ``(1 or slices, readouts, samples, dimensions)``; None
    where shapes do not fit."""
    if not 2 <= points.ndim <= 4:
        return None
    points = points.reshape(*(1,) * (3 - points.ndim), *points.shape)
    sides = points.shape[-3:-1]
    if samples.shape[-2:] == sides[::-1] != sides:
        points = points.swapaxes(-3, -2)
    flat = points.shape[-3] == 1 and samples.shape[-2:] != points.shape[-3:-1]
    samples = samples[..., None, :] if flat else samples
    if samples.shape[-2:] != points.shape[-3:-1] or samples.ndim > 4:
        return None
    *outer, _, _ = samples.shape
    if points.ndim == 3:
        return samples.reshape(*(1,) * (2 - len(outer)), *samples.shape), points[None]
    if len(outer) == 1:
        samples = samples[:, None]
    elif len(outer) == 2 and outer[0] != len(points):
        samples = samples.swapaxes(0, 1)
    return (samples, points) if samples.ndim == 4 and len(samples) == len(points) else None


def _measured(mask: NDArray[Any] | None, kspace: NDArray[Any]) -> NDArray[np.bool_] | None:
    """What was sampled of readouts of several lengths, by a mask of their sides, in the order that leaves out less of
    k-space; others are of something else."""
    turned = [] if mask is None else [one != 0 for one in (mask, mask.T) if one.shape == kspace.shape[-2:]]
    found = min(turned, key=lambda one: np.count_nonzero(kspace[..., ~one]), default=None)
    return None if found is None or found.all() else found


def _in_order(samples: NDArray[Any], points: NDArray[np.float64]) -> Both:
    if _step(points, 1) < _step(points, 2):
        return samples.swapaxes(-2, -1), np.ascontiguousarray(points.swapaxes(1, 2))
    return samples, np.ascontiguousarray(points)


def _in_planes(samples: NDArray[Any], points: NDArray[np.float64]) -> Both:
    """The same, as one slice of many readouts where what was taken for slices are planes of three-dimensional points,
    each of one height."""
    if is_flat(points) or len(points) == 1 or np.ptp(points[..., 2], axis=(1, 2)).any():
        return samples, points
    return (
        samples.swapaxes(0, 1).reshape(1, samples.shape[1], -1, samples.shape[-1]),
        points.reshape(1, -1, *points.shape[2:]),
    )


def _in_readouts(samples: NDArray[Any], points: NDArray[np.float64]) -> Both:
    """The same, as several readouts of one length where points of one leap from each to the next."""
    steps = np.linalg.norm(np.diff(points[0, 0], axis=0), axis=-1)
    leaps = 1 + np.flatnonzero(steps > _LEAP * np.median(steps)) if steps.size else np.zeros(0, int)
    length, left = divmod(points.shape[2], len(leaps) + 1)
    if points.shape[:2] != (1, 1) or left or (leaps != length * np.arange(1, len(leaps) + 1)).any():
        return samples, points
    return samples.reshape(*samples.shape[:2], -1, length), points.reshape(1, -1, length, points.shape[-1])


def _coils_outside(samples: NDArray[Any]) -> NDArray[Any]:
    """The same with the last axis first."""
    samples = np.squeeze(samples)
    return np.moveaxis(samples, -1, 0) if samples.ndim else samples


def _step(points: NDArray[np.float64], axis: int) -> float:
    """From one point to the next along an axis, on average."""
    return float(np.linalg.norm(np.diff(points, axis=axis), axis=-1).mean()) if points.shape[axis] > 1 else np.inf


def _matrix(path: Path, arrays: dict[str, NDArray[Any]], reverse: bool) -> tuple[int, ...]:
    """(H, W), or (H, W, planes), as the file says it, or as its maps or ground truth have it; nothing, where it does
    not."""
    if "matrix" in arrays:
        found = np.asarray(arrays["matrix"]).reshape(-1)
        is_numbers = found.size in (2, 3) and found.dtype.kind in "iuf"
        if not is_numbers or not np.isfinite(found).all() or (found != np.round(found)).any():
            stored = ", ".join(map(str, found.tolist())) if is_numbers else f"{found.dtype} of shape {found.shape}"
            raise InputError(
                f"{path}: matrix must be two whole numbers, (H, W), or three, (H, W, planes), not {stored}."
            )
        sides = tuple(map(int, found))
    else:
        known: Sequence[NDArray[Any]] = [arrays[role] for role in ("ground_truth", "maps") if role in arrays]
        known = [array for array in known if array.ndim >= 2]
        if not known:
            return ()
        sides = known[0].shape[:2] if reverse else known[0].shape[-2:]
    if min(sides[:2]) < 2 or min(sides) < 1:
        raise InputError(f"{path}: an image has two pixels along each side at least, but its matrix is {sides}.")
    return sides
