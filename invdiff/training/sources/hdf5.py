"""HDF5 files that anyone may have made."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    except InputError:
        raise
    except Exception as error:  # h5py fails in as many ways as there are kinds of damage, and of types that NumPy lacks
        raise InputError(f"{path} can't be read as HDF5 ({error}); repair or remove it.") from error


def find_numbers(group: h5py.Group, key: str) -> Any:
    """The data set of that name; ``None`` where there is none, or one that was left without a shape."""
    found = group.get(key)
    return found if isinstance(found, h5py.Dataset) and found.shape is not None else None
