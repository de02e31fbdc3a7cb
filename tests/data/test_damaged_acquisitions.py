"""Acquisitions that a file of ISMRMRD declares and does not hold are refused before there is memory for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ismrmrd
import numpy as np
import pytest

from benchmarks.mutations import READERS
from invdiff.data import list_series, read_scan
from invdiff.errors import InputError

READS = pytest.mark.parametrize("read", [read_scan, list_series])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a good scan of six lines."""
    path = tmp_path / "a.mrd"
    READERS["ISMRMRD"].fill(path)
    assert read_scan(path).kspace.shape == (1, 2, 8, 6)
    assert len(list_series(path)) == 1
    return path


@READS
@pytest.mark.parametrize("count", [7, 65_798])
def test_acquisitions_that_were_never_written(path: Path, read: Callable[[Path], Any], count: int) -> None:
    """They would be as many lines of zeros."""
    with h5py.File(path, "r+") as file:
        file["dataset/data"].resize((count,))
    with pytest.raises(InputError, match=rf"a\.mrd: of {count:,} acquisitions in dataset, 6 were written; it is"):
        read(path)


@READS
@pytest.mark.parametrize("row", ["traj", "data"])
def test_rows_that_are_longer_than_their_file(path: Path, read: Callable[[Path], Any], row: str) -> None:
    """The library makes room for them where heads alone are asked for, too."""
    with h5py.File(path) as file:
        data = file["dataset/data"]
        place = data.id.get_chunk_info(5).byte_offset + data.dtype.fields[row][1]
    with path.open("r+b") as raw:
        raw.seek(place)
        raw.write((2**28).to_bytes(4, "little"))
    with pytest.raises(InputError, match=r"data declares a row of 268,435,456, in a file of"):
        read(path)


@READS
def test_heads_that_are_laid_out_in_another_way(path: Path, read: Callable[[Path], Any]) -> None:
    """Here of twice the precision, so that all after it would be taken for something else."""
    head = np.dtype(ismrmrd.AcquisitionHeader)
    kinds = [(name, ("<f8", (3,)) if name == "read_dir" else head[name]) for name in head.names]
    with h5py.File(path, "r+") as file:
        rows = [(name, file["dataset/data"].dtype[name]) for name in ("traj", "data")]
        del file["dataset/data"]
        file.create_dataset("dataset/data", (6,), np.dtype([("head", np.dtype(kinds)), *rows]), chunks=(1,))
    with pytest.raises(InputError, match=r"dataset/data holds no acquisitions as ISMRMRD lays them out"):
        read(path)


@READS
def test_a_group_of_other_data_beside_them_is_passed_over(path: Path, read: Callable[[Path], Any]) -> None:
    with h5py.File(path, "r+") as file:
        file["other/xml"], file["other/data"] = "<a/>", np.zeros(3)
    read(path)
