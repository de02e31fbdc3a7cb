"""Scans and pictures in HDF5: fastMRI's layout (Zbontar et al., arXiv 1811.08839), those of other projects, and an
``image`` beside its mask."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from invdiff.data.axes import Axes
from invdiff.data.formats.contents import Contents
from invdiff.data.formats.geometry_arrays import PLANE_KEYS, arrays_of, planes_in
from invdiff.data.formats.layout import Reading, arrays_by, reading_of, scan_in
from invdiff.data.scan import TOGETHER, Scan
from invdiff.data.scan_file import ScanFile
from invdiff.errors import InputError
from invdiff.files.hdf5 import attributes_of, find_array, find_text, reading, write_attributes, writing

Complete = Callable[[Scan, int, int], Scan]
"""Adds to a scan what other files hold: the scan, how many slices its file has, and the first of them."""


@contextmanager
def contents(path: Path) -> Iterator[Contents]:
    """What a file holds by name, while it is open.

    Raises:
        InputError: it is damaged.
    """
    with reading(path) as file:
        yield Contents(list(file), partial(find_array, file), partial(find_text, file), attributes_of(file))


def open_slices(path: Path, axes: Axes | None, complete: Complete) -> Scan | ScanFile:
    """The scan in a file; of more slices than are looked at together, each is read when it is asked for.

    Args:
        path: of the file.
        axes: of its k-space, where the user says them.
        complete: adds to a scan what other files hold.

    Raises:
        InputError: it is broken, or does not hold a scan.
    """
    with contents(path) as held:
        found = reading_of(path, held, axes)
        if found.slices <= TOGETHER:
            scan = scan_in(path, held, found)
            assert scan is not None
            return complete(scan, found.slices, 0)
        planes = planes_in(path, arrays_by(held, PLANE_KEYS))
    elsewhere = path.absolute()  # workers of a cluster have working folders of their own
    return ScanFile.survey(path, partial(_read_slice, elsewhere, found, complete), found.slices, planes)


def write_scan(scan: Scan, path: str | os.PathLike[str]) -> None:
    """Write a scan as fastMRI-layout HDF5, which `read_scan` reads back equal. The file appears whole or not at all.

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
        if scan.mask is not None:
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


def _read_slice(path: Path, found: Reading, complete: Complete, index: int) -> Scan | None:
    with contents(path) as held:
        scan = scan_in(path, held, found, index)
    return None if scan is None else complete(scan, found.slices, index)


def _storable(value: Any) -> Any:
    return value if isinstance(value, str | bytes | bool | int | float | tuple) else str(value)
