"""Acquisitions that a file of ISMRMRD declares and does not hold are none, and not zeros."""

from pathlib import Path

import h5py
import pytest

from benchmarks.mutations import READERS
from invdiff.data import list_series, read_scan
from invdiff.errors import InputError


@pytest.mark.parametrize("count", [7, 65_798])
def test_acquisitions_that_were_never_written(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.mrd"
    READERS["ISMRMRD"].fill(path)
    with h5py.File(path, "r+") as file:
        assert file["dataset/data"].shape == (6,)
    assert read_scan(path).kspace.shape == (1, 2, 8, 6)
    with h5py.File(path, "r+") as file:
        file["dataset/data"].resize((count,))
    for read in (read_scan, list_series):
        with pytest.raises(InputError, match=rf"a\.mrd: of {count:,} acquisitions in dataset, 6 were written; it is"):
            read(path)
