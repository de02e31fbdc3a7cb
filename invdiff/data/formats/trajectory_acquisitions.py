"""Scans made of ISMRMRD's acquisitions that lie along a trajectory: radial scans, spirals and others.

Where samples lie, the acquisitions say, or the header. The standard (Inati et al., Magnetic Resonance in Medicine 77,
2017) names no units; the numbers tell them.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.acquisition_flags import Use, use_of
from invdiff.data.formats.described_spokes import described_angle, described_spoke
from invdiff.data.formats.header import encoded_matrix, geometry_of, image_grids, wanted_along
from invdiff.data.formats.readouts import (
    central_line,
    length_of,
    noise_of_acquisitions,
    planes_of,
    series_of_readout,
    usual_time_of,
)
from invdiff.data.formats.samples_along import SamplesAlong, points_in
from invdiff.data.masks import central
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.series import Series
from invdiff.data.stack_of_planes import is_flat
from invdiff.errors import InputError

_ALWAYS = 2**22  # samples of all slices and coils that there is always room for
_RAGGED = 4  # times the samples that were measured, which readouts take that are as long as the longest


def scan_along(path: Path, xml: str, encoding: Any, acquisitions: Sequence[Any], series: Series) -> NonCartesianScan:
    """The scan that acquisitions make up, of two dimensions, or of a stack of planes, which is made slices. Readouts
    that were measured again count by themselves.

    Args:
        path: of what they come from, for its name.
        xml: the header.
        encoding: of the header.
        acquisitions: as objects of the library ``ismrmrd``.
        series: which measurement.

    Raises:
        InputError: they are of three dimensions and no such stack, do not say where they lie, coils differ, or slices
            do in how many readouts they have.
    """
    image = [one for one in acquisitions if use_of(one.flags) is Use.IMAGE and series_of_readout(one) == series]
    slices = sorted({one.idx.slice for one in image})
    grids, voxel = image_grids(path, xml)
    kspace, trajectory, matrix, remarks = _samples_along(path, xml, encoding, image, slices).in_slices(grids, voxel)
    planes, geometry = planes_of(image), geometry_of(path, xml, matrix)
    if len(kspace) > len(slices):
        kspace = kspace[*central(kspace.shape[:1], [wanted_along(path, xml, len(kspace), 2)])]
        apart = None if geometry is None else geometry.slice_thickness
        planes = None if planes is None or apart is None else planes[0].stacked(len(kspace), apart)
    geometry = None if geometry is None else replace(geometry, planes=planes)
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


def _samples_along(path: Path, xml: str, encoding: Any, image: Sequence[Any], slices: Sequence[int]) -> SamplesAlong:
    """The samples of the readouts of every slice, with a third coordinate where there are partitions."""
    by_slice: dict[int, list[int]] = {number: [] for number in slices}
    for k, one in enumerate(image):
        by_slice[one.idx.slice].append(k)
    rows = list(by_slice.values())
    coils = {int(one.active_channels) for one in image}
    lengths = {tuple(length_of(image[k]) for k in row) for row in rows}
    if len(coils) > 1 or len(lengths) > 1 or 0 in (found := next(iter(lengths))):
        raise InputError(
            f"{path} holds readouts of several numbers of coils, or without samples, or slices that differ in how many "
            "readouts they have and of how many samples; split the file by slice."
        )
    shape = (len(rows), next(iter(coils)), len(found), max(found))
    if math.prod(shape) > max(_ALWAYS, _RAGGED * math.prod(shape[:2]) * sum(found)):
        raise InputError(
            f"{path} holds readouts of {min(found)} to {max(found)} samples, which are too unlike to read."
        )
    kspace, points = np.zeros(shape, np.complex64), np.zeros((shape[0], *shape[2:], 3))
    for one, place in zip(image, np.argsort(rows, axis=None), strict=True):  # as they come, for they are read in blocks
        index, number = divmod(int(place), len(found))
        kept = slice(one.discard_pre, one.discard_pre + length_of(one))
        kspace[index, :, number, : found[number]] = one.data[:, kept]
        places = _points(path, encoding, one)
        if places.shape[-1] not in (2, 3):
            raise InputError(f"{path}: readouts have points of {places.shape[-1]} coordinates, not of two or three.")
        points[index, number, : found[number], : places.shape[-1]] = places
    depth, partitions = encoded_matrix(path, xml)[2], np.array([one.idx.kspace_encode_step_2 for one in image])[rows]
    if depth == 1 and _are_weights(points[..., 2]):
        points[..., 2] = 0
    if np.ptp(partitions) > 0 and is_flat(points):
        points[..., 2] = (partitions - central_line(path, encoding, "kspace_encoding_step_2", depth))[..., None]
    measured, what = np.arange(shape[3]) < np.array(found)[:, None], f"{path}: the trajectory"
    return SamplesAlong(kspace, points_in(points, what, first=False), what, None if measured.all() else measured, depth)


def _are_weights(third: NDArray[np.float64]) -> bool:
    """Whether the last of three numbers is the weight of a sample, by the density of its like, as Gadgetron writes it
    behind two coordinates: nowhere negative, and another from sample to sample of every readout."""
    return bool((third >= 0).all() and np.ptp(third, axis=-1).all())


def _points(path: Path, encoding: Any, readout: Any) -> NDArray[np.float64]:
    """Where the samples of a readout that count lie, ``(samples, dimensions)``, as the file counts it; of spokes that
    the header alone describes, in cycles per pixel."""
    if readout.trajectory_dimensions:
        points: NDArray[np.float64] = np.asarray(readout.traj, np.float64)
        return points[readout.discard_pre : readout.discard_pre + length_of(readout)]
    return described_spoke(readout, described_angle(path, encoding))
