"""Arrays from ``.npz`` files that anyone may have made."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from invdiff.errors import InputError


def read_archive(path: Path, keys: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of a ``.npz`` file by name; of all names or, where they are there, of ``keys``.

    Raises:
        InputError: it is missing, damaged, no archive, or holds Python objects, which are never run.
    """
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise ValueError("it is a single array, not named ones as np.savez writes")
            return {key: archive[key] for key in archive.files if keys is None or key in keys}
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error) as error:
        raise InputError(f"{path} can't be read as a NumPy archive: {error}.") from error
