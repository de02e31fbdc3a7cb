"""Arrays from ``.npz`` files that anyone may have made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray

from invdiff.files.damage import read_as
from invdiff.files.npy import array_in


def read_archive(path: Path, keys: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of a ``.npz`` file by name; of all names or, where they are there, of ``keys``.

    Raises:
        InputError: it is missing, damaged, no archive, declares more than it holds, or holds what is no array, such as
            Python objects, which are never run.
    """
    arrays = {}
    with read_as("a NumPy archive", path), path.open("rb") as file:
        if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
            raise ValueError("it is a single array, not named ones as np.savez writes")
        size = path.stat().st_size
        with ZipFile(file) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if keys is None or name in keys:
                    with archive.open(info) as member:
                        arrays[name] = array_in(member, min(size, info.compress_size), f"{path}: {name}")
    return arrays


def names_in(path: Path) -> list[str]:
    """The names of the arrays in a ``.npz`` file.

    Raises:
        InputError: it is missing, damaged, or no archive.
    """
    with read_as("a NumPy archive", path), ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]
