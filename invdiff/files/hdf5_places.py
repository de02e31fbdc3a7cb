"""Where structures of HDF5 files lie, by their signatures.

Each file is searched once a process: 500 MB take half a second, beside the time that a disk takes.
"""

from array import array
from collections.abc import Sequence
from functools import lru_cache

from invdiff.errors import InputError
from invdiff.files.content import Content

HEAP, TREE = b"GCOL\x01", b"TREE"
_SHORTEST = 16  # bytes that any of them has
_BLOCK = 2**20


@lru_cache(maxsize=4096)
def places_in(content: Content) -> dict[bytes, Sequence[int]]:
    """Where in a file there may be structures of each signature, in order.

    Raises:
        InputError: there are more than it has room for.
    """
    found = {signature: array("Q") for signature in (HEAP, TREE)}
    overlap = max(map(len, found)) - 1
    start, block = 0, b""
    with content.path.open("rb") as file:
        while more := file.read(_BLOCK):
            kept = block[-overlap:]
            start, block = start + len(block) - len(kept), kept + more
            for signature, places in found.items():
                place = block.find(signature)
                while place >= 0:
                    if not places or start + place > places[-1]:  # else met at the end of the block before
                        places.append(start + place)
                    place = block.find(signature, place + 1)
                if len(places) * _SHORTEST > content.size:
                    raise InputError(f"{content.path} can't be read as HDF5: it is damaged.")
    return dict(found)
