"""Arrays from ``.npz`` files that anyone may have made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.npy import array_in


def read_archive(path: Path, keys: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of a ``.npz`` file by name; of all names or, where they are there, of ``keys``.

    Raises:
        InputError: it is missing, damaged, no archive, declares more than it holds, or holds what is no array, such as
            Python objects, which are never run.
    """
    arrays = {}
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
                raise ValueError("it is a single array, not named ones as np.savez writes")
            size = path.stat().st_size
            with ZipFile(file) as archive:
                for info in archive.infolist():
                    name = info.filename.removesuffix(".npy")
                    if keys is None or name in keys:
                        with archive.open(info) as member:
                            arrays[name] = array_in(member, min(size, info.compress_size), f"{path}: {name}")
    except InputError:
        raise
    except Exception as error:  # damaged or unusual archives fail in ways that no list holds
        raise InputError(f"{path} can't be read as a NumPy archive: {error}.") from error
    return arrays


def names_in(path: Path) -> list[str]:
    """The names of the arrays in a ``.npz`` file.

    Raises:
        InputError: it is missing, damaged, or no archive.
    """
    try:
        with ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except Exception as error:  # as above
        raise InputError(f"{path} can't be read as a NumPy archive: {error}.") from error
