"""HDF5 files that appear whole or not at all, and are safe to read from strangers."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.files.content import Content
from invdiff.files.damage import read_as
from invdiff.files.declared import check_declared
from invdiff.files.hdf5_heaps import check_heaps
from invdiff.files.hdf5_trees import check_chunk_trees, check_group_trees

if TYPE_CHECKING:
    import h5py
    from typing_extensions import Buffer


_LINKS_IN_A_ROW = 16
_PAIRS = (("real", "imag"), ("r", "i"), ("re", "im"))
_REFERENCE = 16  # bytes that a row of varying length takes where it is referred to


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator["h5py.File"]:
    """The file, open for reading. What is in it is found by `find` and its kin, which lead nowhere else.

    Raises:
        InputError: it is missing, damaged, cut short, or no HDF5; also where that shows as late as at a read.
    """
    import h5py

    with read_as("HDF5", path):
        content = Content.now(Path(path))
        check_heaps(content)
        with h5py.File(path, "r") as file:
            if file.id.get_create_plist().get_sizes() != (8, 8):
                raise InputError(f"{path} has addresses or lengths of other than 8 bytes; copy it with h5repack.")
            check_group_trees(content, file.userblock_size)
            yield file


def find(group: "h5py.Group", name: str) -> "h5py.Group | h5py.Dataset | None":
    """The group or data set of that name, or path of names; ``None`` where there is none.

    Raises:
        InputError: it is not in this file, but a link to another, or numbers that lie in others; or it declares more
            numbers than the file can hold.
    """
    return _find(group, name, _LINKS_IN_A_ROW)


def find_dataset(group: "h5py.Group", name: str) -> "h5py.Dataset | None":
    """The data set of that name; ``None`` where there is none, or a group.

    Raises:
        InputError: as `find`, or it was left without a shape.
    """
    import h5py

    found = find(group, name)
    if isinstance(found, h5py.Dataset) and found.shape is None:
        raise InputError(f"{_where(group, name)} is a data set without a shape; leave it out of the file.")
    return found if isinstance(found, h5py.Dataset) else None


def find_numbers(group: "h5py.Group", name: str) -> "h5py.Dataset | None":
    """The data set of that name; ``None`` where there is none.

    Raises:
        InputError: as `find_dataset`, or it holds something other than numbers.
    """
    found = find_dataset(group, name)
    if found is not None and found.dtype.kind not in "biufc":
        raise InputError(f"{_where(group, name)} of shape {found.shape} holds {found.dtype}, not numbers.")
    return found


@dataclass(frozen=True)
class ComplexPairs:
    """Complex numbers that a data set holds as records of two real ones, as MATLAB writes them."""

    dataset: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return tuple(self.dataset.shape)

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Of its numbers: complex64 or complex128."""
        return np.result_type(self.dataset.dtype[0], np.complex64)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """The numbers at these places."""
        pairs = self.dataset[key]
        real, imaginary = self.dataset.dtype.names
        found: NDArray[Any] = (pairs[real] + np.complex64(1j) * pairs[imaginary]).astype(self.dtype, copy=False)
        return found


def find_array(group: "h5py.Group", name: str) -> "h5py.Dataset | ComplexPairs | None":
    """The numbers in the data set of that name, complex ones also as records of two; ``None`` where there is none.

    Raises:
        InputError: as `find_numbers`.
    """
    found = find_dataset(group, name)
    if found is not None and found.dtype.names in _PAIRS and found.dtype[0].kind == "f":
        parts = np.dtype([(name, found.dtype[0]) for name in found.dtype.names])
        if found.dtype == parts:  # of records whose parts overlap, the library writes more than there is memory for
            return ComplexPairs(found)
    return find_numbers(group, name)


def find_text(group: "h5py.Group", name: str) -> str | None:
    """The one text in the data set of that name; ``None`` where there is none.

    Raises:
        InputError: as `find_dataset`, or it is no text.
    """
    import h5py

    found = find_dataset(group, name)
    if found is None:
        return None
    if h5py.check_string_dtype(found.dtype) is None or found.size != 1:
        raise InputError(f"{_where(group, name)} of shape {found.shape} holds {found.dtype}, not a text.")
    if found.dtype.kind == "O":
        check_rows(found, _REFERENCE, (0,))
    value = found[()] if found.shape == () else found[:].item()
    return value if isinstance(value, str) else bytes(value).decode(errors="replace")


def check_rows(dataset: "h5py.Dataset", size: int, places: Sequence[int]) -> None:
    """Raise ``InputError`` if a row of varying length is longer than its file: the library makes room for what the file
    says before it looks for it.

    Args:
        dataset: of such rows.
        size: bytes of an element in the file.
        places: where in an element the references to rows begin, of 16 bytes, of which the first four are a length.
    """
    if dataset.file.userblock_size or dataset.id.get_create_plist().get_nfilters():
        return  # where the numbers lie, or what they are, is not told then
    limit = dataset.file.id.get_filesize()
    with open(dataset.file.filename, "rb") as raw:
        for start, length in _blocks(dataset, size):
            raw.seek(start)
            block = raw.read(min(length, limit))
            elements = np.frombuffer(block, np.uint8, len(block) // size * size).reshape(-1, size)
            for place in places:
                longest = elements[:, place : place + 4].copy().view("<u4").max(initial=0)
                if longest > limit:
                    raise InputError(
                        f"{dataset.file.filename}: {dataset.name} declares a row of {longest:,}, in a file of "
                        f"{limit:,} bytes; it is damaged or cut short."
                    )


def count_written(dataset: "h5py.Dataset") -> int:
    """How many elements of a data set its file holds; the library gives zeros for others."""
    if dataset.chunks is None:
        return int(dataset.size) if dataset.id.get_storage_size() else 0
    return min(_count_in_chunks(dataset), int(dataset.size))


def _count_in_chunks(dataset: "h5py.Dataset") -> int:
    count: int = dataset.id.get_num_chunks() * math.prod(dataset.chunks)
    return count


def _blocks(dataset: "h5py.Dataset", size: int) -> Iterator[tuple[int, int]]:
    """Where in its file the elements of a data set lie, each of so many bytes, and how many bytes of them."""
    if dataset.chunks is None:
        start = dataset.id.get_offset()
        if start is not None:
            yield start, dataset.id.get_storage_size()
        return
    chunks: list[Any] = []
    dataset.id.chunk_iter(chunks.append)  # to ask for one by its number takes a walk past all before it
    whole = math.prod(dataset.chunks) * size
    for chunk in chunks:
        if chunk.size != whole:  # what it lacks would be whatever is in memory
            raise InputError(
                f"{dataset.file.filename}: {dataset.name} has a chunk of {chunk.size:,} bytes where {whole:,} are one; "
                "it is damaged."
            )
        yield chunk.byte_offset, chunk.size


def attributes_of(group: "h5py.Group") -> dict[str, Any]:
    """The attributes of a file, group or data set that are numbers and texts, as plain values and tuples; the library
    may end the process at others.

    Raises:
        InputError: one declares more than the file can hold.
    """
    import h5py

    found = {}
    for name in group.attrs:
        attribute = group.attrs.get_id(name)
        kind = attribute.dtype
        if attribute.shape is not None and (kind.base.kind in "biufc" or h5py.check_string_dtype(kind) is not None):
            size = group.file.id.get_filesize()
            check_declared(f"{group.file.filename}: {name}", attribute.shape, kind.itemsize, size)
            found[name] = _plain(group.attrs[name])
    return found


def _find(group: "h5py.Group", name: str, links: int) -> Any:
    import h5py

    place: Any = group.file if name.startswith("/") else group
    for part in filter(None, name.split("/")):
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
        match link:
            case h5py.HardLink():
                place = place[part]
            case h5py.SoftLink() if links > 0:
                place = _find(place, link.path, links - 1)
            case None:
                return None
            case _:
                raise InputError(f"{_where(group, name)} is a link out of the file; put there what it leads to.")
    if isinstance(place, h5py.Dataset):
        _check_own(place, _where(group, name))
    return place


def _check_own(dataset: "h5py.Dataset", where: str) -> None:
    """Raise ``InputError`` unless a data set's numbers lie in its file, are found there, and it has the room for
    them."""
    from h5py import h5t

    if dataset.is_virtual or dataset.external:
        raise InputError(f"{where} takes its numbers from other files; write them into this one.")
    if dataset.chunks is not None:
        content = Content.now(Path(dataset.file.filename))
        check_chunk_trees(content, dataset.file.userblock_size, len(dataset.chunks))
    kind, stored = dataset.id.get_type(), dataset.id.get_storage_size()
    for shape in (dataset.shape, dataset.chunks):
        check_declared(where, shape or (), kind.get_size(), min(stored, dataset.file.id.get_filesize()))
    if (
        dataset.chunks is not None
        and dataset.id.get_create_plist().get_nfilters() == 0
        and not any(kind.detect_class(other) for other in (h5t.VLEN, h5t.STRING, h5t.REFERENCE))  # of other sizes there
        and stored != _count_in_chunks(dataset) * kind.get_size()  # what is lacking would be whatever is in memory
    ):
        raise InputError(f"{where} has chunks that are shorter or longer than their numbers; it is damaged.")


def _where(group: "h5py.Group", name: str) -> str:
    return f"{group.file.filename}: {f'{group.name}/{name}'.strip('/')}"


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # of NumPy
        value = value.tolist()
    return tuple(value) if isinstance(value, list) else value


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator["h5py.File"]:
    """A new HDF5 file to fill, which takes the place of ``path`` when the block ends well.

    Raises:
        InputError: the folder does not exist or may not be written to, there is no room, or HDF5 refuses what it is
            given.
    """
    import h5py

    path = Path(path)
    with atomic(path) as temporary, _Uncomplaining(temporary, "w+") as raw:
        try:
            with h5py.File(raw, "w") as file:
                yield file
        except (OSError, RuntimeError) as error:
            if raw.failure is None:
                raise InputError(f"{path} can't be written as HDF5: {error}.") from error
        if raw.failure is not None:
            raise raw.failure


def write_attributes(group: "h5py.Group", attributes: Mapping[str, Any]) -> None:
    """Numbers and texts, or small arrays of them, beside the data of a file or group.

    Raises:
        InputError: HDF5 can't hold one as an attribute: it is of another kind, or larger than 64 KiB.
    """
    for name, value in attributes.items():
        try:
            group.attrs[name] = value
        except (OSError, RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"The attribute {name!r} can't be stored: HDF5 takes numbers and texts of 64 KiB at most, and this is "
                f"of type {type(value).__name__} ({error})."
            ) from error


class _Uncomplaining(FileIO):
    """A file that remembers its first failure to write and goes on, as the HDF5 library, once it was told of one,
    may end the process by a segmentation fault when it closes the file."""

    failure: OSError | None = None

    def write(self, data: "Buffer", /) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                left = left[super().write(left) :]
        except OSError as failure:
            self.failure = self.failure or failure
        return size

    def truncate(self, size: int | None = None, /) -> int:
        try:
            return super().truncate(size)
        except OSError as failure:
            self.failure = self.failure or failure
            return size or 0
