"""B-trees of HDF5 files, by which groups know their members, and data sets their chunks.

The library walks through a tree from node to node, and ends the process where one leads back to itself, or hardly ends
where many lead to the same (HDF5 file format specification 3.0, section III.A.1).
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

from invdiff.errors import InputError
from invdiff.files.content import Content
from invdiff.files.hdf5_places import TREE, places_in

_HEADER, _ADDRESS = 24, 8
_OF_GROUPS, _OF_CHUNKS = 0, 1
_SHORTEST_ENTRY = 16  # bytes: a key and an address


def check_group_trees(content: Content, base: int) -> None:
    """Raise ``InputError`` if the members of a group can't be gone through once.

    Args:
        content: of the file.
        base: the byte from which its addresses count.
    """
    _check(content, base, _OF_GROUPS, 8)


def check_chunk_trees(content: Content, base: int, axes: int) -> None:
    """Raise ``InputError`` if the chunks of a data set can't be gone through once.

    Args:
        content: of the file.
        base: the byte from which its addresses count.
        axes: of the data set, so many.
    """
    _check(content, base, _OF_CHUNKS, 8 + 8 * (axes + 1))


@lru_cache(maxsize=4096)
def _check(content: Content, base: int, kind: int, key: int) -> None:
    with content.path.open("rb") as file:
        nodes = {
            place: count
            for place in places_in(content)[TREE]
            if (count := _count(file, place, kind)) is not None
            and place + _HEADER + count * (key + _ADDRESS) <= content.size  # else the library refuses it
        }
        most = content.size // _SHORTEST_ENTRY
        within = sum(nodes.values()) <= most
        children = {place: list(_children(file, place, nodes, base, key)) for place in nodes} if within else {}
    if not within or _visits(children, nodes, most) > most:
        raise InputError(f"{content.path} can't be read as HDF5: a tree in it leads back to itself; it is damaged.")


def _count(file: BinaryIO, place: int, kind: int) -> int | None:
    """Entries of a node; ``None`` where it is of another kind of tree."""
    file.seek(place + len(TREE))
    node = file.read(4)
    return int.from_bytes(node[2:], "little") if node[:1] == bytes([kind]) else None


def _children(file: BinaryIO, place: int, nodes: dict[int, int], base: int, key: int) -> Iterator[int]:
    """The nodes that a node leads to, as far as the library follows; none from a leaf."""
    file.seek(place + len(TREE) + 1)
    if file.read(1) == b"\0":
        return
    file.seek(place + _HEADER)
    entries = file.read(nodes[place] * (key + _ADDRESS))
    for end in range(key + _ADDRESS, len(entries) + 1, key + _ADDRESS):
        child = base + int.from_bytes(entries[end - _ADDRESS : end], "little")
        if child not in nodes:
            return
        yield child


def _visits(children: dict[int, list[int]], counts: dict[int, int], most: int) -> int:
    """How many entries are met if each tree is gone through from its root; more than ``most`` where that has no end."""
    parents = dict.fromkeys(children, 0)
    for some in children.values():
        for child in some:
            parents[child] += 1
    open_, ways, met, seen = [place for place, n in parents.items() if n == 0], dict.fromkeys(children, 0), 0, 0
    ways.update(dict.fromkeys(open_, 1))
    while open_:
        place = open_.pop()
        met, seen = met + ways[place] * counts[place], seen + 1
        for child in children[place]:
            ways[child] += ways[place]
            parents[child] -= 1
            if parents[child] == 0:
                open_.append(child)
    return met if seen == len(children) else most + 1
