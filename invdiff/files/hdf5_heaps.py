"""Global heaps of HDF5 files, where texts and rows of varying length are kept.

The library goes through a heap object by object, by the sizes that the file says, and has no end where one of them is
zero, or so large that it wraps around (HDF5 file format specification 3.0, section III.E).
"""

from functools import lru_cache
from typing import BinaryIO

from invdiff.errors import InputError
from invdiff.files.content import Content
from invdiff.files.hdf5_places import HEAP, places_in

_HEADER, _OBJECT, _SMALLEST = 16, 16, 4096


@lru_cache(maxsize=4096)
def check_heaps(content: Content) -> None:
    """Raise ``InputError`` if a file has a global heap whose objects do not lie one after the other."""
    left = content.size
    with content.path.open("rb") as file:
        for place in places_in(content)[HEAP]:
            length = _length(file, place, content.size)
            left -= length
            if left < 0 or not _is_whole(file.read(max(0, length - _HEADER))):
                raise InputError(f"{content.path} can't be read as HDF5: its heap at byte {place:,} is damaged.")


def _length(file: BinaryIO, place: int, size: int) -> int:
    """Bytes of a heap; zero where the library refuses it, or these are numbers that look like one."""
    file.seek(place)
    length = int.from_bytes(file.read(_HEADER)[8:], "little")
    return length if _SMALLEST <= length <= size - place else 0


def _is_whole(heap: bytes) -> bool:
    """False where objects do not fit their heap."""
    at = 0
    while at + _OBJECT <= len(heap):
        number, held = (int.from_bytes(heap[at + i : at + j], "little") for i, j in ((0, 2), (8, 16)))
        needed = held if number == 0 else _OBJECT + -(-held // 8) * 8
        if needed == 0 or at + needed > len(heap):
            return False
        at += needed
    return True
