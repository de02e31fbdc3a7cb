"""ISMRMRD raw data (Inati et al., Magnetic Resonance in Medicine 77, 2017) in HDF5 files: a header and acquisitions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from invdiff.data.formats.acquisitions import is_needed, scan_of_acquisitions, series_of
from invdiff.data.scan import Scan
from invdiff.data.series import SINGLE, Series, told_apart
from invdiff.errors import InputError
from invdiff.files.hdf5 import check_rows, find, find_dataset, find_text, reading

if TYPE_CHECKING:
    import h5py


def holds_acquisitions(path: Path) -> bool:
    """Whether an HDF5 file holds raw data; false where it can't be read."""
    try:
        with reading(path) as file:
            return bool(_groups(file))
    except InputError:  # its reader says what is wrong with it
        return False


def series(path: Path) -> tuple[Series, ...]:
    """The measurements in a file, by the heads of its acquisitions alone.

    Raises:
        InputError: as `read`.
    """
    with reading(path) as file:
        return _series(path, _heads(file, _library(path)))


def read(path: Path, series: Series = SINGLE) -> Scan:
    """The scan in a file.

    Args:
        path: of the file.
        series: which measurement, where the file holds several.

    Raises:
        InputError: the file is broken, of another kind of scan, holds several and ``series`` more or less than one of
            them, or the library that reads it is missing.
    """
    ismrmrd = _library(path)
    with reading(path) as file:
        heads = _heads(file, ismrmrd)
        held = _series(path, heads)
        chosen = series.one_of(held, str(path))
        group, one = str(chosen.group), replace(chosen, group=None)
        needed = [number for number, head in enumerate(heads[group]) if is_needed(head, one)]
        xml = find_text(file, f"{group}/xml") or ""
        acquisitions = _acquisitions(file, group, needed, ismrmrd)
    scan = scan_of_acquisitions(path, xml, acquisitions, one)
    return scan.changed(name=told_apart(held)[held.index(chosen)].of_file(scan.name))


def _library(path: Path) -> Any:
    try:
        import ismrmrd
    except ImportError as error:
        raise InputError(
            f"{path} holds ISMRMRD raw data; install the library that reads it: pip install ismrmrd."
        ) from error
    return ismrmrd


def _groups(file: "h5py.File") -> list[str]:
    """Names of the groups that hold a header and acquisitions; programs call theirs as they like."""
    import h5py

    named = {name: _group(file, name) for name in file}
    return [name for name, held in named.items() if isinstance(held, h5py.Group) and {"xml", "data"} <= set(held)]


def _group(file: "h5py.File", name: str) -> "h5py.Group | h5py.Dataset | None":
    try:
        return find(file, name)
    except InputError:  # a link out of the file, beside what is asked for
        return None


def _series(path: Path, heads: Mapping[str, Sequence[Any]]) -> tuple[Series, ...]:
    return tuple(replace(one, group=group) for group, some in heads.items() for one in series_of(path, some))


def _heads(file: "h5py.File", ismrmrd: Any) -> dict[str, list[Any]]:
    """Heads of the acquisitions of every group."""
    data = {group: _data(file, group) for group in _groups(file)}
    read = {group: held.fields("head")[:].reshape(-1) for group, held in data.items() if held is not None}
    return {group: [ismrmrd.AcquisitionHeader.from_buffer_copy(head) for head in some] for group, some in read.items()}


def _data(file: "h5py.File", group: str) -> "h5py.Dataset | None":
    import h5py

    data = find_dataset(file, f"{group}/data")
    if data is None or data.dtype.names != ("head", "traj", "data"):
        return None
    if any(h5py.check_vlen_dtype(data.dtype[name]) != np.float32 for name in ("traj", "data")):
        raise InputError(
            f"{data.file.filename}: {group}/data holds {data.dtype}, which are no acquisitions of ISMRMRD."
        )
    return data


def _acquisitions(file: "h5py.File", group: str, needed: Sequence[int], ismrmrd: Any) -> list[Any]:
    """Acquisitions as the library's own reader makes them, which would open the file for writing."""
    data = _data(file, group)
    assert data is not None
    places = [data.dtype.fields[name][1] for name in ("traj", "data")]  # as in the file, where references are as long
    check_rows(data, data.id.get_type().get_size(), places)
    return [_acquisition(data[number], ismrmrd) for number in needed]


def _acquisition(record: Any, ismrmrd: Any) -> Any:
    coils, length = int(record["head"]["active_channels"]), int(record["head"]["number_of_samples"])
    if not coils * length or record["data"].shape != (2 * coils * length,):  # the library makes room for what heads say
        raise ValueError(f"{coils} coils x {length} samples can't be the {record['data'].size} numbers of a line")
    acquisition = ismrmrd.Acquisition(record["head"])
    acquisition.data[:] = record["data"].view(np.complex64).reshape(coils, length)
    return acquisition
