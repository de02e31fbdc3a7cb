"""Arrays from ``.npy`` files that anyone may have made."""

from pathlib import Path
from typing import IO, Any

from numpy.lib import format as layout
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.declared import check_declared, read_rest


def read_npy(path: Path) -> NDArray[Any]:
    """The array of a ``.npy`` file.

    Raises:
        InputError: it is missing, damaged, declares more than it holds, or holds Python objects, which are never run.
    """
    try:
        with path.open("rb") as file:
            return array_in(file, path.stat().st_size, str(path))
    except InputError:
        raise
    except Exception as error:  # a damaged header fails in ways that no list holds
        raise InputError(f"{path} can't be read as a NumPy array: {error}.") from error


def array_in(file: IO[bytes], size: int, what: str) -> NDArray[Any]:
    """The array in a stream of so many bytes, which is read to its end.

    Raises:
        InputError: it declares more than the stream holds.
        Exception: of whatever kind NumPy raises at damage.
    """
    version = layout.read_magic(file)
    read_header = layout.read_array_header_1_0 if version == (1, 0) else layout.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if not dtype.hasobject:
        check_declared(what, shape, dtype.itemsize, size)
    file.seek(0)
    array: NDArray[Any] = layout.read_array(file, allow_pickle=False)
    read_rest(file.read, what)
    return array
