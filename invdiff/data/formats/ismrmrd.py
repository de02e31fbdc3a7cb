"""ISMRMRD raw data (Inati et al., Magnetic Resonance in Medicine 77, 2017) in HDF5 files: a header and acquisitions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.recfunctions import require_fields
from numpy.typing import NDArray

from invdiff.data.formats.acquisitions import is_needed, scan_of_acquisitions, series_of, volume_of_acquisitions
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scan import Scan
from invdiff.data.scan_file import ScanFile
from invdiff.data.series import SINGLE, Series, told_apart
from invdiff.data.volume import open_volume
from invdiff.errors import InputError
from invdiff.files.content import Content
from invdiff.files.hdf5 import check_rows, count_written, find, find_dataset, find_text, reading

if TYPE_CHECKING:
    import h5py

_TOGETHER = 32
"""Acquisitions that are read at a time."""


def holds_acquisitions(path: Path) -> bool:
    """Whether an HDF5 file holds raw data; false where it can't be read."""
    return _holds_acquisitions(Content.now(path))


@lru_cache(maxsize=4096)  # each of the formats in HDF5 asks, at each reading
def _holds_acquisitions(content: Content) -> bool:
    try:
        with reading(content.path) as file:
            return bool(_groups(file))
    except InputError:  # its reader says what is wrong with it
        return False


def series(path: Path) -> tuple[Series, ...]:
    """The measurements in a file, by the heads of its acquisitions alone.

    Raises:
        InputError: as `read`.
    """
    with reading(path) as file:
        return _series(path, file)


def read(path: Path, series: Series = SINGLE) -> Scan | NonCartesianScan:
    """The scan in a file.

    Args:
        path: of the file.
        series: which measurement, where the file holds several.

    Raises:
        InputError: the file is broken, of another kind of scan, holds several and ``series`` more or less than one of
            them, or the library that reads it is missing.
    """
    measurement, xml, name = _chosen(path, series)
    with measurement.opened() as acquisitions:
        return scan_of_acquisitions(path, xml, acquisitions, measurement.series).changed(name=name)


def open_slices(path: Path, series: Series = SINGLE) -> Scan | ScanFile | NonCartesianScan:
    """The scan in a file; of a three-dimensional one, slices are read when they are asked for.

    Args:
        path: of the file.
        series: as for `read`.

    Raises:
        InputError: as `read`.
    """
    measurement, xml, name = _chosen(path, series)
    with measurement.opened() as acquisitions:
        volume = volume_of_acquisitions(measurement, path, xml, acquisitions, measurement.series)
        if volume is None:
            return scan_of_acquisitions(path, xml, acquisitions, measurement.series).changed(name=name)
    return replace(open_volume(*volume), name=name)


@dataclass(frozen=True)
class _Measurement:
    """The acquisitions that count for one measurement of a file.

    Attributes:
        path: of the file, absolute.
        group: that they are in.
        series: which of them count.
    """

    path: Path
    group: str
    series: Series

    @contextmanager
    def opened(self) -> Iterator[list["_Acquisition"]]:
        """They, by their heads; samples are read when they are asked for."""
        with reading(self.path) as file:
            ismrmrd = _library(self.path)
            data = _data(file, self.group, ismrmrd)
            assert data is not None
            heads = _heads(data, ismrmrd)
            _check_heads(heads, file)
            rows, places = _Rows(data, "data"), _Rows(data, "traj")
            yield [
                _Acquisition(head, rows, places, number)
                for number, head in enumerate(heads)
                if is_needed(head, self.series)
            ]


class _Acquisition:
    """An acquisition, as the library's own reader makes them, which would open the file for writing."""

    def __init__(self, head: Any, rows: "_Rows", places: "_Rows", number: int) -> None:
        self._head, self._rows, self._places, self._number = head, rows, places, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._head, name)

    @property
    def data(self) -> NDArray[np.complex64]:
        """Its samples ``(coils, n)``, read now."""
        numbers = self._rows[self._number]
        shape = (int(self._head.active_channels), int(self._head.number_of_samples))
        if not math.prod(shape) or numbers.shape != (2 * math.prod(shape),):
            raise ValueError(f"{shape[0]} coils x {shape[1]} samples can't be the {numbers.size} numbers of a line")
        samples: NDArray[np.complex64] = numbers.view(np.complex64).reshape(shape)
        return samples

    @property
    def traj(self) -> NDArray[np.float32]:
        """Where they lie, ``(n, dimensions)``, read now."""
        numbers = self._places[self._number]
        shape = (int(self._head.number_of_samples), int(self._head.trajectory_dimensions))
        if numbers.shape != (math.prod(shape),):
            raise ValueError(
                f"{shape[0]} samples x {shape[1]} dimensions can't be the {numbers.size} numbers of points"
            )
        places: NDArray[np.float32] = numbers.reshape(shape)
        return places


class _Rows:
    """The numbers of acquisitions, of which some are read together: one by one takes ten times as long."""

    def __init__(self, data: "h5py.Dataset", name: str) -> None:
        self._data = data.fields(name)
        self._first, self._held = 0, data[:0]

    def __getitem__(self, number: int) -> Any:
        if not self._first <= number < self._first + len(self._held):
            self._first = number - number % _TOGETHER
            self._held = self._data[self._first : self._first + _TOGETHER]
        return self._held[number - self._first]


def _chosen(path: Path, series: Series) -> tuple[_Measurement, str, str]:
    """The measurement of a file, its header, and what to call it."""
    with reading(path) as file:
        held = _series(path, file)
        chosen = series.one_of(held, str(path))
        xml = find_text(file, f"{chosen.group}/xml") or ""
    elsewhere = path.absolute()  # workers of a cluster have working folders of their own
    measurement = _Measurement(elsewhere, str(chosen.group), replace(chosen, group=None))
    return measurement, xml, told_apart(held)[held.index(chosen)].of_file(path.name)


def _library(path: Path) -> Any:
    try:
        import ismrmrd
    except ImportError as error:
        raise InputError(
            f"{path} holds ISMRMRD raw data; install what reads it: pip install 'invdiff[formats]'."
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


def _series(path: Path, file: "h5py.File") -> tuple[Series, ...]:
    ismrmrd = _library(path)
    data = {group: _data(file, group, ismrmrd) for group in _groups(file)}
    heads = {group: _heads(held, ismrmrd) for group, held in data.items() if held is not None}
    return tuple(replace(one, group=group) for group, some in heads.items() for one in series_of(path, some))


def _heads(data: "h5py.Dataset", ismrmrd: Any) -> list[Any]:
    """Heads of acquisitions; files may hold their fields at other places, as compilers align them."""
    read = require_fields(data.fields("head")[:].reshape(-1), ismrmrd.hdf5.acquisition_header_dtype)
    return [ismrmrd.AcquisitionHeader.from_buffer_copy(head) for head in read]


def _fields(head: "np.dtype[Any]", at: int = 0) -> "dict[str, tuple[np.dtype[Any], int]]":
    """A record's numbers, and those of records in it, by name: of which kind they are, and where."""
    found: dict[str, tuple[np.dtype[Any], int]] = {}
    for name, (kind, place, *_) in (head.fields or {}).items():
        inner = _fields(kind, at + place)
        found |= {f"{name}/{part}": held for part, held in inner.items()} or {str(name): (kind, at + place)}
    return found


def _overlap(fields: "Mapping[str, tuple[np.dtype[Any], int]]") -> bool:
    places = sorted((at, at + kind.itemsize) for kind, at in fields.values())
    return any(end > begin for (_, end), (begin, _) in pairwise(places))


def _data(file: "h5py.File", group: str, ismrmrd: Any) -> "h5py.Dataset | None":
    """The acquisitions of a group, all of which are in the file, and of which no row is longer than it; ``None`` where
    its data are others.

    The library looks at rows also where heads alone are asked for, and may end the process at heads that are laid out
    in another way.
    """
    import h5py

    data = find_dataset(file, f"{group}/data")
    if data is None or data.dtype.names != ("head", "traj", "data"):
        return None
    found, asked = _fields(data.dtype["head"]), _fields(ismrmrd.hdf5.acquisition_header_dtype)
    lacks = next((name for name in asked if name not in found), None)
    if lacks is not None:
        raise InputError(f"{data.file.filename}: the heads in {data.name} have no field '{lacks}', as ISMRMRD's do.")
    if (
        any(found[name][0] != kind for name, (kind, _) in asked.items())
        or _overlap(found)
        or any(h5py.check_vlen_dtype(data.dtype[name]) != np.float32 for name in ("traj", "data"))
    ):
        raise InputError(
            f"{data.file.filename}: {group}/data holds no acquisitions as ISMRMRD lays them out; use its library."
        )
    written = count_written(data)
    if written < data.size:  # the library gives zeros for the others
        raise InputError(
            f"{data.file.filename}: of {data.size:,} acquisitions in {group}, {written:,} were written; it is damaged "
            "or cut short."
        )
    places = [data.dtype.fields[name][1] for name in ("traj", "data")]  # as in the file, where references are as long
    check_rows(data, data.id.get_type().get_size(), places)
    return data


def _check_heads(heads: Sequence[Any], file: "h5py.File") -> None:
    """Raise ``InputError`` if heads speak of more samples than their file has room for."""
    declared = sum(8 * int(head.active_channels) * int(head.number_of_samples) for head in heads)
    limit = file.id.get_filesize()
    if declared > limit:
        raise InputError(
            f"{file.filename}: its acquisitions declare {declared:,} bytes of samples, in a file of {limit:,} bytes; "
            "it is damaged or cut short."
        )
