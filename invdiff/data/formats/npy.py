"""Scans and images in ``.npy`` files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invdiff.data.formats.contents import Contents
from invdiff.files.npy import read_npy as read

__all__ = ["contents", "read"]


@contextmanager
def contents(path: Path) -> Iterator[Contents]:
    """The one array of a file, which has no name.

    Raises:
        InputError: it is broken.
    """
    array = read(path)
    yield Contents([""], {"": array}.get)
