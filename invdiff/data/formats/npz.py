"""Scans and pictures in NumPy archives, with the names of the HDF5 layouts."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from invdiff.data.formats.contents import Contents
from invdiff.files.archive import names_in, read_archive


@contextmanager
def contents(path: Path) -> Iterator[Contents]:
    """What an archive holds by name.

    Raises:
        InputError: it is broken.
    """
    names = names_in(path)
    find = cache(lambda name: read_archive(path, [name]).get(name))
    yield Contents(names, find, lambda name: _text(find(name)))


def _text(array: NDArray[Any] | None) -> str | None:
    return None if array is None or array.size != 1 or array.dtype.kind != "U" else str(array.item())
