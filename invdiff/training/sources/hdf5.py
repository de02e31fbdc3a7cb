"""HDF5 files that anyone may have made."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from invdiff.errors import InputError


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """The file, open for reading. It is opened anew at each read, since a handle does not survive a fork.

    Raises:
        InputError: it is missing, damaged, cut short, or no HDF5; also where that shows as late as at a read.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:  # what h5py raises for damaged files
        raise InputError(f"{path} can't be read as HDF5 ({error}); repair or remove it.") from error
