"""Arrays from MATLAB's files that anyone may have made: of version 5 to 7; those of 7.3 are HDF5."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.declared import check_declared

_NUMBERS = {"double": 8, "single": 4, "logical": 1} | {
    f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)
}
"""Classes of numbers, and their bytes."""


def mat_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of numbers in a file, by name; texts, structs, cells, functions and sparse matrices are
    left out.

    Raises:
        InputError: it is missing or damaged.
    """
    from scipy.io import whosmat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = whosmat(path, appendmat=False)
        return {name: tuple(map(int, shape)) for name, shape, kind in found if kind in _NUMBERS}
    except Exception as error:  # damage shows in ways that no list holds
        raise _unreadable(path, error) from error


def read_mat(path: Path, name: str) -> NDArray[Any]:
    """The array of that name, with the axes as MATLAB shows them.

    Raises:
        InputError: the file is missing or damaged, has no such array of numbers, or declares more than it can hold.
    """
    from scipy.io import loadmat

    shapes = mat_shapes(path)
    if name not in shapes:
        raise InputError(f"{path} has no array of numbers '{name}'; it holds {', '.join(shapes) or 'none'}.")
    check_declared(f"{path}: {name}", shapes[name], 2 * max(_NUMBERS.values()), path.stat().st_size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.asarray(loadmat(path, appendmat=False, variable_names=[name])[name])
    except Exception as error:  # as above
        raise _unreadable(path, error) from error
    if array.dtype.kind not in "biufc" or array.shape != shapes[name]:
        raise InputError(f"{path}: {name} is {array.dtype} of shape {array.shape}, not as declared; it is damaged.")
    return array


def _unreadable(path: Path, error: Exception) -> InputError:
    why = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path} can't be read as a MATLAB file: it is damaged, cut short, or of another kind ({why}).")
