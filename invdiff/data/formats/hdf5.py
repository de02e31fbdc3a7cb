"""Scans and pictures in HDF5: fastMRI's layout (Zbontar et al., arXiv 1811.08839), those of other projects, and an
``image`` beside its mask."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from invdiff.data.axes import Axes
from invdiff.data.formats.contents import Contents
from invdiff.data.formats.geometry_arrays import PLANE_KEYS, arrays_of, planes_in
from invdiff.data.formats.header import encoded_matrix, geometry_of, wanted_along
from invdiff.data.formats.layout import (
    HEADER,
    KNOWN_KEYS,
    Complete,
    Reading,
    arrays_by,
    known_of,
    reading_of,
    scan_in,
)
from invdiff.data.formats.layouts import find_name
from invdiff.data.formats.scan_arrays import read_scan_in
from invdiff.data.formats.trajectory_arrays import holds_trajectory, scan_along
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scan import TOGETHER, Coils, Scan
from invdiff.data.scan_file import ScanFile
from invdiff.data.volume import ArrayInFile, open_volume, read_volume
from invdiff.errors import InputError
from invdiff.files.hdf5 import (
    attributes_of,
    find_array,
    find_dataset,
    find_text,
    reading,
    write_attributes,
    writing,
)

if TYPE_CHECKING:
    import h5py

_VOLUMES = ("maps", "ground_truth", "calibration")
"""What would be three-dimensional with k-space."""


@contextmanager
def contents(path: Path) -> Iterator[Contents]:
    """What a file holds by name, while it is open.

    Raises:
        InputError: it is damaged.
    """
    with reading(path) as file:
        yield Contents(list(file), partial(find_array, file), partial(find_text, file), attributes_of(file))


def read(path: Path) -> Scan | NonCartesianScan:
    """The scan in a file.

    Raises:
        InputError: it is broken, or does not hold a scan.
    """
    volume = _volume(path)
    return read_scan_in(contents, path) if volume is None else read_volume(*volume)


def open_slices(path: Path, axes: Axes | None, complete: Complete | None) -> Scan | ScanFile | NonCartesianScan:
    """The scan in a file; of more slices than are looked at together, or of three-dimensional k-space, each is read
    when it is asked for.

    Args:
        path: of the file.
        axes: of its k-space, where the user says them.
        complete: adds to a scan what other files hold, where there are any; to three-dimensional k-space when all of it
            is read.

    Raises:
        InputError: it is broken, or does not hold a scan.
    """
    volume = _volume(path) if axes is None else None
    if volume is not None:
        return open_volume(*volume) if complete is None else _completed(read_volume(*volume), complete)
    with contents(path) as held:
        if holds_trajectory(held):
            return _completed(scan_along(path, held, axes), complete)
        found = reading_of(path, held, axes)
        if found.slices <= TOGETHER:
            scan = scan_in(path, held, found)
            assert scan is not None
            return _completed(scan, complete)
        planes = planes_in(path, arrays_by(held, PLANE_KEYS))
    elsewhere = path.absolute()  # workers of a cluster have working folders of their own
    return ScanFile.survey(path, partial(_read_slices, elsewhere, found, complete), found.slices, planes)


def write_scan(scan: Scan | NonCartesianScan, path: str | os.PathLike[str]) -> None:
    """Write a scan as fastMRI-layout HDF5, which `open_scan` reads back equal; one along a trajectory with
    ``trajectory``, in cycles per pixel, and ``matrix``. The file appears whole or not at all.

    Attributes that HDF5 can't hold are written as text.

    Raises:
        InputError: the suffix is not .h5 or .hdf5, the folder does not exist, there is no room, or an attribute is too
            large.
    """
    path = Path(path)
    if path.suffix.lower() not in (".h5", ".hdf5"):
        raise InputError(f"{path} has the suffix '{path.suffix}'; scans are written to .h5 files.")
    with writing(path) as file:
        file["kspace"] = scan.kspace
        if isinstance(scan, NonCartesianScan):
            file["trajectory"], file["matrix"] = scan.trajectory.points, scan.matrix
            if scan.trajectory.measured is not None:
                file["mask"] = scan.trajectory.measured
        elif scan.mask is not None:
            lines = scan.mask[0]
            file["mask"] = lines if (scan.mask == lines).all() else scan.mask
        if scan.maps is not None:
            file["sensitivity_maps"] = scan.maps
        if scan.ground_truth is not None:
            file["ground_truth"] = scan.ground_truth
        if scan.calibration is not None:
            file["calibration"] = scan.calibration
        if scan.noise_std is not None:
            file["noise_std"] = scan.noise_std
        if scan.noise is not None:
            file["noise"] = scan.noise
        if scan.geometry is not None:
            file.update(arrays_of(scan.geometry))
        write_attributes(file, {key: _storable(value) for key, value in scan.attributes.items()})


def _completed(scan: Coils, complete: Complete | None) -> Coils:
    return scan if complete is None else complete(scan, scan.slices, 0)


def _read_slices(path: Path, found: Reading, complete: Complete | None, indices: Sequence[int]) -> list[Scan | None]:
    """The scans of slices; ``None`` where nothing was seen."""
    with contents(path) as held:
        scans = [scan_in(path, held, found, index) for index in indices]
    if complete is None:
        return scans
    return [
        None if scan is None else complete(scan, found.slices, index)
        for index, scan in zip(indices, scans, strict=True)
    ]


def _volume(path: Path) -> tuple[ArrayInFile, dict[str, Any], int | None] | None:
    """Where three-dimensional k-space lies, what else the file knows, and how many positions along x are in the field
    of view; ``None`` where it holds slices.

    It is ``(1, coils, z, y, x)``, or ``(coils, z, y, x)`` where the header's encoded matrix is of x, y and z.

    Raises:
        InputError: there are coil maps or a ground truth, which would be three-dimensional, too.
    """
    with reading(path) as file:
        kspace, held = _kspace_in(file), Contents(list(file), partial(find_array, file))
        if kspace is None or kspace.ndim not in (4, 5) or holds_trajectory(held):
            return None
        header = find_text(file, HEADER)
        x, y, z = (1, 1, 1) if header is None else encoded_matrix(path, header)
        if kspace.shape[:1] != (1,) if kspace.ndim == 5 else z == 1 or kspace.shape[1:] != (z, y, x):
            return None
        given = [name for role in _VOLUMES if (name := find_name(held, role)) is not None]
        if given:
            raise InputError(
                f"{path}: kspace of shape {kspace.shape} is three-dimensional, and {' and '.join(given)} of such scans "
                "can't be read; leave it out of the file."
            )
        known = {**known_of(path, arrays_by(held, KNOWN_KEYS)), "attributes": attributes_of(file)}
        steps = kspace.chunks or (1,) * kspace.ndim
        first = kspace.ndim - 4
        places = (first, first + 3, first + 2, first + 1)
        elsewhere = path.absolute()  # workers of a cluster have working folders of their own
        lying = ArrayInFile(elsewhere, ("x", "y", "z"), _kspace, places, kspace.shape, steps)
    if known["mask"] is not None:
        known["mask"] = np.atleast_2d(known["mask"]).T  # of the file's (z, y)
    if header is None:
        return lying, known, None
    _, along, height, width = lying.shape
    known["geometry"] = geometry_of(path, header, (height, width), axes=(1, 2, 0))
    return lying, known, wanted_along(path, header, along, 0)


def _kspace_in(file: "h5py.File") -> "h5py.Dataset | None":
    """Complex numbers by the usual name: what else k-space may be is no volume."""
    stored = find_dataset(file, "kspace")
    return stored if stored is not None and stored.dtype.kind == "c" else None


@contextmanager
def _kspace(path: Path) -> Iterator["h5py.Dataset"]:
    with reading(path) as file:
        kspace = _kspace_in(file)
        if kspace is None:
            raise InputError(f"{path} has no dataset 'kspace' any more.")
        yield kspace


def _storable(value: Any) -> Any:
    return value if isinstance(value, str | bytes | bool | int | float | tuple) else str(value)
