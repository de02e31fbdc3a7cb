"""Scans and pictures in NumPy archives, with the names of the HDF5 layouts."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from invdiff.data.formats.contents import Contents
from invdiff.files.archive import names_in, read_archive


@contextmanager
def contents(path: Path) -> Iterator[Contents]:
    """What an archive holds by name.

    Raises:
        InputError: it is broken.
    """
    names = names_in(path)
    yield Contents(names, cache(lambda name: read_archive(path, [name]).get(name)))
