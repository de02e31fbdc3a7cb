"""Chunks of HDF5 files are as long as their numbers; the library would leave in memory what it finds there."""

import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.files.hdf5 import check_rows, find_dataset, find_numbers, reading


def with_sizes(path: Path, sizes: dict[int, int]) -> Path:
    """A copy of a file of one data set of chunks of so many bytes, some of which are said to be of others."""
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunks = [file["x"].id.get_chunk_info(number) for number in range(file["x"].id.get_num_chunks())]
    for number, size in sizes.items():
        entry = struct.pack("<Q", chunks[number].byte_offset)
        key = content.index(entry, content.index(b"TREE\x01")) - 24
        assert struct.unpack_from("<I", content, key) == (chunks[number].size,)
        struct.pack_into("<I", content, key, size)
    damaged = path.with_name("b.h5")
    damaged.write_bytes(content)
    return damaged


@pytest.mark.parametrize("size", [0, 8, 24, 2**20])
def test_a_chunk_that_is_shorter_or_longer(tmp_path: Path, size: int) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=np.arange(8.0), chunks=(2,))
    with reading(tmp_path / "a.h5") as file:
        found = find_numbers(file, "x")
        assert found is not None
        np.testing.assert_array_equal(found[()], np.arange(8.0))
    with (
        pytest.raises(InputError, match="x has chunks that are shorter or longer than their numbers"),
        reading(with_sizes(tmp_path / "a.h5", {1: size})) as file,
    ):
        find_numbers(file, "x")


def test_rows_in_chunks_of_which_one_is_shorter_and_one_longer(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        rows = np.array([np.ones(n, np.float32) for n in range(1, 5)], object)
        file.create_dataset("x", data=rows, dtype=h5py.vlen_dtype(np.float32), chunks=(1,))
    for sizes in ({}, {1: 8, 2: 24}):
        with reading(with_sizes(tmp_path / "a.h5", sizes)) as file:
            found = find_dataset(file, "x")
            assert found is not None
            if not sizes:
                check_rows(found, 16, (0,))
                continue
            with pytest.raises(InputError, match="x has a chunk of 8 bytes where 16 are one"):
                check_rows(found, 16, (0,))
