"""MATLAB's files: of version 5 to 7 and, as HDF5, of 7.3. Axes are in the order that MATLAB shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from invdiff.data.axis_order import Stored
from invdiff.data.formats.contents import FASTEST_FIRST, Contents, Turned
from invdiff.files.hdf5 import attributes_of, find_array, find_dataset, reading
from invdiff.files.mat import mat_shapes, read_mat

SIGNATURES = ((0, b"MATLAB 5.0 MAT-file"), (0, b"MATLAB 7.3 MAT-file"))
_SIGNED = max(len(signature) for _, signature in SIGNATURES)
_OF_NUMBERS = ("double", "single", "logical", *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)))


def signs(path: Path) -> bool:
    """Whether a file is MATLAB's, also where it is HDF5."""
    with path.open("rb") as file:
        return file.read(_SIGNED).startswith(tuple(signature for _, signature in SIGNATURES))


@contextmanager
def contents(path: Path) -> Iterator[Contents]:
    """What a file holds by name, while it is open.

    Raises:
        InputError: it is damaged.
    """
    with path.open("rb") as file:
        is_hdf5 = file.read(10) == b"MATLAB 7.3"
    if not is_hdf5:
        names = list(mat_shapes(path))
        find = cache(lambda name: read_mat(path, name) if name in names else None)
        yield Contents(names, find, order=FASTEST_FIRST)
        return
    with reading(path) as file:
        names = [name for name in file if _holds_numbers(file, name)]
        yield Contents(names, lambda name: _turned(file, name) if name in names else None, order=FASTEST_FIRST)


def _turned(file: Any, name: str) -> Stored | None:
    stored = find_array(file, name)
    return None if stored is None else Turned(stored)


def _holds_numbers(file: Any, name: str) -> bool:
    found = find_dataset(file, name)
    if found is None:
        return False
    said = attributes_of(found)
    kind = said.get("MATLAB_class", "double")
    return (
        kind.decode(errors="replace") if isinstance(kind, bytes) else kind
    ) in _OF_NUMBERS and "MATLAB_empty" not in said
