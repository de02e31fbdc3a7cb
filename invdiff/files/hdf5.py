"""HDF5 files that appear whole or not at all."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invdiff.errors import InputError
from invdiff.files.atomic import atomic

if TYPE_CHECKING:
    import h5py
    from typing_extensions import Buffer


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
