"""Scans made of ISMRMRD's acquisitions that lie along a trajectory: radial scans, spirals and others.

Where samples lie, the acquisitions say, or the header, of spokes by the golden angle. The standard (Inati et al.,
Magnetic Resonance in Medicine 77, 2017) names no units; the numbers tell them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.acquisition_flags import Use, use_of
from invdiff.data.formats.header import geometry_of, image_grids
from invdiff.data.formats.readouts import (
    centre_of,
    length_of,
    noise_of_acquisitions,
    planes_of,
    series_of_readout,
    usual_time_of,
)
from invdiff.data.formats.trajectory_arrays import points_in
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.series import Series
from invdiff.data.trajectory import GOLDEN_ANGLE, Trajectory
from invdiff.data.trajectory_units import told_points
from invdiff.errors import InputError


def trajectory_kind(encoding: Any) -> str:
    """What the header calls the trajectory, in lower case."""
    return str(getattr(encoding.trajectory, "value", encoding.trajectory)).lower()


def scan_along(path: Path, xml: str, encoding: Any, acquisitions: Sequence[Any], series: Series) -> NonCartesianScan:
    """The scan that acquisitions make up, of two dimensions. Readouts that were measured again count by themselves.

    Args:
        path: of what they come from, for its name.
        xml: the header.
        encoding: of the header.
        acquisitions: as objects of the library ``ismrmrd``.
        series: which measurement.

    Raises:
        InputError: they are of three dimensions, do not say where they lie, or readouts or slices differ.
    """
    image = [one for one in acquisitions if use_of(one.flags) is Use.IMAGE and series_of_readout(one) == series]
    slices = sorted({one.idx.slice for one in image})
    grids, voxel = image_grids(path, xml)
    shapes = {(int(one.active_channels), length_of(one)) for one in image}
    if len(shapes) > 1 or 0 in next(iter(shapes)):
        raise InputError(f"{path} holds readouts of several lengths or numbers of coils, or without samples.")
    if len({one.idx.kspace_encode_step_2 for one in image}) > 1:
        raise InputError(
            f"{path} holds a {trajectory_kind(encoding)} scan of several partitions; two dimensions alone can be read."
        )
    by_slice = [[one for one in image if one.idx.slice == number] for number in slices]
    stored = [np.stack([_points(path, encoding, one) for one in readouts]) for readouts in by_slice]
    if any(points.shape != stored[0].shape or not np.array_equal(points, stored[0]) for points in stored):
        raise InputError(
            f"{path}: its {len(slices)} slices were measured along different trajectories; split the file by slice."
        )
    what = f"{path}: the trajectory"
    points, matrix, remarks = told_points(points_in(stored[0], what, first=False), grids, voxel, what)
    kspace = np.stack([np.stack([_samples(one) for one in readouts], axis=1) for readouts in by_slice])
    geometry = geometry_of(path, xml, matrix, planes_of(image))
    try:
        trajectory = Trajectory(points)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return NonCartesianScan(
        kspace=kspace,
        trajectory=trajectory,
        matrix=matrix,
        noise=noise_of_acquisitions(acquisitions, kspace.shape[1], usual_time_of(image), 1.0),
        name=path.name,
        attributes={} if slices == list(range(len(slices))) else {"slice_numbers": tuple(slices)},
        remarks=(*remarks, *(() if geometry is None else geometry.remarks)),
        geometry=geometry,
    )


def _samples(readout: Any) -> NDArray[np.complex64]:
    """The samples of a readout that count, ``(coils, n)``."""
    kept: NDArray[np.complex64] = readout.data[:, readout.discard_pre : readout.discard_pre + length_of(readout)]
    return kept


def _points(path: Path, encoding: Any, readout: Any) -> NDArray[np.float64]:
    """Where the samples of a readout that count lie, ``(samples, dimensions)``, as the file counts it; of spokes by the
    golden angle without such word, in cycles per pixel."""
    if readout.trajectory_dimensions:
        points: NDArray[np.float64] = np.asarray(readout.traj, np.float64)
        return points[readout.discard_pre : readout.discard_pre + length_of(readout)]
    described = str(getattr(encoding.trajectoryDescription, "identifier", "")).lower()
    if trajectory_kind(encoding) != "goldenangle" and "golden" not in described:
        raise InputError(
            f"{path} holds a {trajectory_kind(encoding)} scan whose readouts do not say where they lie; write their "
            "trajectory with them."
        )
    along = (np.arange(length_of(readout)) - centre_of(readout)) / length_of(readout)
    angle = GOLDEN_ANGLE * readout.idx.kspace_encode_step_1
    spoke: NDArray[np.float64] = along[:, None] * np.array([np.cos(angle), np.sin(angle)])
    return spoke
