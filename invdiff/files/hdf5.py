"""HDF5 files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from invdiff.files.atomic import atomic


@contextmanager
def writing(path: Path) -> Iterator[Any]:
    import h5py

    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        yield file
