"""Scans and pictures in HDF5: fastMRI's layout (Zbontar et al., arXiv 1811.08839), and an ``image`` beside its mask."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from invdiff.data.formats.geometry_arrays import PLANE_KEYS, arrays_of, planes_in
from invdiff.data.formats.layout import PICTURE_KEYS, SCAN_KEYS, STACKS, picture_of, scan_of
from invdiff.data.picture import Picture
from invdiff.data.scan import TOGETHER, Scan
from invdiff.data.scan_file import ScanFile
from invdiff.errors import InputError
from invdiff.files.hdf5 import attributes_of, find_dataset, find_numbers, find_text, reading, write_attributes, writing

if TYPE_CHECKING:
    import h5py

_HEADER = "ismrmrd_header"
_SLICE_KEYS = tuple(key for key in SCAN_KEYS if key not in PLANE_KEYS)


def read(path: Path) -> Scan:
    """The scan in a file.

    Raises:
        InputError: it is broken, or does not hold a scan.
    """
    with reading(path) as file:
        arrays, attributes, present = _arrays(file, SCAN_KEYS), attributes_of(file), _present(file)
    return scan_of(path, arrays, attributes, present)


def open_slices(path: Path) -> Scan | ScanFile:
    """The scan in a file; of more slices than are looked at together, each is read when it is asked for.

    Raises:
        InputError: as `read`.
    """
    count = _count(path)
    if count <= TOGETHER:
        return read(path)
    elsewhere = path.absolute()  # workers of a cluster have working folders of their own
    with reading(path) as file:
        planes = planes_in(path, _arrays(file, PLANE_KEYS))
    return ScanFile.survey(path, partial(_read_slice, elsewhere), count, planes)


def read_picture(path: Path) -> Picture:
    """The picture in a file.

    Raises:
        InputError: it is broken, or does not hold a picture.
    """
    with reading(path) as file:
        arrays = _arrays(file, PICTURE_KEYS)
    return picture_of(path, arrays)


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


def _count(path: Path) -> int:
    """How many slices can be read one by one; zero where the file is of another layout."""
    with reading(path) as file:
        stacks = {key: stack for key in STACKS if (stack := find_numbers(file, key)) is not None}
        if "kspace" not in stacks or stacks["kspace"].ndim not in (3, 4):
            return 0
        count = len(stacks["kspace"])
        return count if all(stack.ndim >= 3 and len(stack) == count for stack in stacks.values()) else 0


def _read_slice(path: Path, index: int) -> Scan | None:
    """The scan of one slice; ``None`` where nothing was seen: its k-space or every coil map is zero."""
    with reading(path) as file:
        arrays, attributes, present = _arrays(file, _SLICE_KEYS, index), attributes_of(file), _present(file)
    seen = all(np.any(arrays[key]) for key in ("kspace", "sensitivity_maps") if key in arrays)
    if not seen:
        return None
    scan = scan_of(path, arrays, attributes, present)
    return scan if "mask" in arrays else scan.changed(mask=None)  # what zeros mean is told by all slices together


def _arrays(file: "h5py.File", keys: Sequence[str], index: int | None = None) -> dict[str, Any]:
    """The numbers that a file has of these keys; of stacks, those of one slice, where its index is given."""
    arrays: dict[str, Any] = {}
    for key in keys:
        if key == _HEADER:
            held: Any = find_text(file, key)
        elif (held := find_numbers(file, key)) is not None:
            held = held[()] if index is None or key not in STACKS else held[index : index + 1]
        if held is not None:
            arrays[key] = held
    return arrays


def _present(file: "h5py.File") -> list[str]:
    """The data sets of a file that has no k-space, in words."""
    named = {name: find_dataset(file, name) for name in file} if "kspace" not in file else {}
    return [f"{name} {held.shape}" for name, held in named.items() if held is not None]


def _storable(value: Any) -> Any:
    return value if isinstance(value, str | bytes | bool | int | float | tuple) else str(value)
