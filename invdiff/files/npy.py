"""Arrays from ``.npy`` files that anyone may have made."""

from pathlib import Path
from typing import IO, Any

from numpy.lib import format as layout
from numpy.typing import NDArray

from invdiff.files.damage import read_as
from invdiff.files.declared import check_declared, read_rest


def read_npy(path: Path) -> NDArray[Any]:
    """The array of a ``.npy`` file.

    Raises:
        InputError: it is missing, damaged, declares more than it holds, or holds Python objects, which are never run.
    """
    with read_as("a NumPy array", path), path.open("rb") as file:
        return array_in(file, path.stat().st_size, str(path))


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
