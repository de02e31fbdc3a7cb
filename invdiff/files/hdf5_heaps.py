"""Global heaps of HDF5 files, where texts and rows of varying length are kept.

The library goes through a heap object by object, by the sizes that the file says, and has no end where one of them is
zero, or so large that it wraps around (HDF5 file format specification 3.0, section III.E).
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from invdiff.errors import InputError

_SIGNATURE = b"GCOL\x01"
_HEADER, _OBJECT, _SMALLEST = 16, 16, 4096
_BLOCK = 2**24


def check_heaps(path: Path) -> None:
    """Raise ``InputError`` if the file has a global heap whose objects do not lie one after the other."""
    status = path.stat()
    _check(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _check(path: Path, date: int, size: int) -> None:
    with path.open("rb") as file:
        for place in _heaps(file):
            if not _is_whole(file, place, size):
                raise InputError(f"{path} can't be read as HDF5: its heap at byte {place:,} is damaged.")


def _heaps(file: BinaryIO) -> Iterator[int]:
    """Where there may be one."""
    start, kept = 0, b""
    while True:
        file.seek(start + len(kept))
        block = kept + file.read(_BLOCK)
        if len(block) == len(kept):
            return
        found = block.find(_SIGNATURE)
        while found >= 0:
            yield start + found
            found = block.find(_SIGNATURE, found + 1)
        kept = block[1 - len(_SIGNATURE) :]
        start += len(block) - len(kept)


def _is_whole(file: BinaryIO, place: int, size: int) -> bool:
    """False where there is a heap that the library would go through, and its objects do not fit it."""
    file.seek(place)
    length = int.from_bytes(file.read(_HEADER)[8:], "little")
    if not _SMALLEST <= length <= size - place:
        return True  # the library refuses it, or these are numbers that look like one
    heap = file.read(length - _HEADER)
    at = 0
    while at + _OBJECT <= len(heap):
        number, held = (int.from_bytes(heap[at + i : at + j], "little") for i, j in ((0, 2), (8, 16)))
        needed = held if number == 0 else _OBJECT + -(-held // 8) * 8
        if needed == 0 or at + needed > len(heap):
            return False
        at += needed
    return True
