"""Trees of HDF5 files are gone through once, or refused; the library would end the process, or hardly end."""

import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.files.hdf5 import find_numbers, reading

NODE = struct.Struct("<4sBBHqq")
Tree = tuple[int, int]


def many_members(file: h5py.File) -> None:
    for number in range(300):
        file[f"{number:03}"] = number


def many_chunks(file: h5py.File) -> None:
    file.create_dataset("000", data=np.arange(300.0).reshape(100, 3), chunks=(1, 1))


FILLS: dict[str, tuple[Callable[[h5py.File], None], Tree]] = {
    "members": (many_members, (0, 8)),
    "chunks": (many_chunks, (1, 32)),
}


def nodes_of(content: bytes, kind: int) -> dict[int, tuple[int, int]]:
    """Level and number of entries of each node, by its place."""
    found, place = {}, content.find(b"TREE")
    while place >= 0:
        _, is_kind, level, entries, *_ = NODE.unpack_from(content, place)
        if is_kind == kind:
            found[place] = level, entries
        place = content.find(b"TREE", place + 1)
    return found


def opened(path: Path) -> tuple[int, np.ndarray]:
    with reading(path) as file:
        found = find_numbers(file, "000")
        assert found is not None
        return len(file), found[()]


@pytest.mark.parametrize("base", [0, 512])
@pytest.mark.parametrize("what", FILLS)
def test_a_tree_that_leads_back_to_itself(tmp_path: Path, what: str, base: int) -> None:
    fill, (kind, key) = FILLS[what]
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=base) as file:
        fill(file)
    content = bytearray((tmp_path / "a.h5").read_bytes())
    assert opened(tmp_path / "a.h5")[0] == (300 if what == "members" else 1)
    nodes = nodes_of(content, kind)
    top = max(nodes, key=lambda place: nodes[place][0])
    level, entries = nodes[top]
    assert level > 0
    for entry in range(entries):
        damaged = bytearray(content)
        struct.pack_into("<q", damaged, top + NODE.size + key + (key + 8) * entry, top - base)
        (tmp_path / "b.h5").write_bytes(damaged)
        with pytest.raises(InputError, match=r"b\.h5 can't be read as HDF5: a tree in it leads back to itself"):
            opened(tmp_path / "b.h5")


@pytest.mark.parametrize("ways", [1, 8])
def test_nodes_that_many_paths_lead_to(tmp_path: Path, ways: int) -> None:
    """Of 12 levels, where each node leads 8 times to the next, there are as many paths as stars in the sky."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        many_chunks(file)
        file["room"] = np.zeros(2**14, np.uint8)
        place = file["room"].id.get_offset()
    content = bytearray((tmp_path / "a.h5").read_bytes())
    nodes, key = nodes_of(content, 1), 32
    top = max(nodes, key=lambda one: nodes[one][0])
    NODE.pack_into(content, top, b"TREE", 1, 13, 1, -1, -1)
    struct.pack_into("<q", content, top + NODE.size + key, place)
    for level in range(12, -1, -1):
        below = place + NODE.size + ways * (key + 8)
        NODE.pack_into(content, place, b"TREE", 1, level, ways if level else 0, -1, -1)
        for entry in range(ways if level else 0):
            struct.pack_into("<q", content, place + NODE.size + key + (key + 8) * entry, below)
        place = below
    (tmp_path / "b.h5").write_bytes(content)
    with reading(tmp_path / "b.h5") as file:
        if ways == 1:
            assert find_numbers(file, "000") is not None
            return
        with pytest.raises(InputError, match="leads back to itself"):
            find_numbers(file, "000")


@settings(max_examples=30)
@given(st.integers(1, 300), st.integers(1, 3), st.booleans())
def test_trees_that_the_library_writes_are_read(
    tmp_path_factory: pytest.TempPathFactory, count: int, axes: int, latest: bool
) -> None:
    path = tmp_path_factory.mktemp("trees") / "a.h5"
    shape = (count,) + (2,) * (axes - 1)
    with h5py.File(path, "w", libver="latest" if latest else None) as file:
        data = file.create_dataset("000", shape, "f4", chunks=(1,) * axes, maxshape=(None,) * axes)
        data[...] = 1
        for number in range(count):
            file[f"b/{number}"] = number
        for number in range(0, count, 2):
            del file[f"b/{number}"]
        data.resize((count // 2 + 1, *shape[1:]))
    assert (opened(path)[1] == 1).all()


def test_addresses_of_other_sizes(tmp_path: Path) -> None:
    plan = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    plan.set_sizes(4, 4)
    h5py.h5f.create(str(tmp_path / "a.h5").encode(), h5py.h5f.ACC_TRUNC, fcpl=plan).close()
    with pytest.raises(InputError, match="other than 8 bytes; copy it with h5repack"), reading(tmp_path / "a.h5"):
        pass


def test_more_signatures_than_there_is_room_for(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.frombuffer(b"TREE" * 4096, np.uint8)
    with pytest.raises(InputError, match=r"a\.h5 can't be read as HDF5: it is damaged"), reading(tmp_path / "a.h5"):
        pass
