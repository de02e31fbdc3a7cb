"""Whether a file can hold what it declares, asked before there is memory for it."""

import math
from collections.abc import Callable, Sequence

from invdiff.errors import InputError

HIGHEST_COMPRESSION = 1032
"""Bytes that one byte of deflate stands for at most (zlib, "Technical Details")."""
ALWAYS_BYTES = 2**26
"""What any file may declare: sparse data, and compression other than deflate, may go beyond that ratio."""


def check_declared(what: str, shape: Sequence[int], itemsize: int, held: int) -> None:
    """Raise ``InputError`` if numbers of this shape can't be in a file, compressed or not.

    Args:
        what: declares it, for the sentence.
        shape: as declared.
        itemsize: bytes of a number.
        held: bytes of the file that may belong to it.
    """
    if min(shape, default=0) < 0 or math.prod(shape) * itemsize > max(ALWAYS_BYTES, HIGHEST_COMPRESSION * held):
        raise InputError(
            f"{what} declares the shape {tuple(shape)}, far more than its {held:,} bytes can hold; it is damaged or "
            "cut short."
        )


def read_rest(read: Callable[[int], bytes], what: str) -> None:
    """Read a stream to its end, where its check sum is.

    Args:
        read: so many bytes of it, or those that are left.
        what: it is, for the sentence.

    Raises:
        InputError: there is more than ``ALWAYS_BYTES`` behind what was declared.
        Exception: of whatever kind the stream raises where the check sum is another.
    """
    left = ALWAYS_BYTES
    while block := read(2**20):
        left -= len(block)
        if left < 0:
            raise InputError(f"{what} holds more than {ALWAYS_BYTES:,} bytes beyond what it declares; it is damaged.")
