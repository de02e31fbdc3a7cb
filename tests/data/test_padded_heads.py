"""Heads of ISMRMRD acquisitions whose fields lie where another program puts them are read by their names."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from ismrmrd.hdf5 import acquisition_dtype, acquisition_header_dtype

from invdiff.data import read_scan
from invdiff.errors import InputError

H, W, COILS = 12, 10, 3
XML = (
    '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions><H1resonanceFrequency_Hz>1'
    "</H1resonanceFrequency_Hz></experimentalConditions><encoding><encodedSpace><matrixSize><x>12</x><y>10</y><z>1</z>"
    "</matrixSize></encodedSpace><trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"
)
ALIGNED = np.dtype(acquisition_header_dtype.descr, align=True)  # as C and Julia lay out a struct
BACKWARDS = np.dtype([(name, acquisition_header_dtype[name]) for name in reversed(acquisition_header_dtype.names)])


LACKING = np.dtype([(name, acquisition_header_dtype[name]) for name in acquisition_header_dtype.names if name != "idx"])


def write(path: Path, kspace: np.ndarray, head: np.dtype) -> Path:
    rows = np.zeros(W, [("head", head), *((name, acquisition_dtype[name]) for name in ("traj", "data"))])
    for line in range(W):
        rows[line]["head"]["number_of_samples"], rows[line]["head"]["active_channels"] = H, COILS
        rows[line]["head"]["center_sample"], rows[line]["head"]["sample_time_us"] = H // 2, 5.0
        if "idx" in head.names:
            rows[line]["head"]["idx"]["kspace_encode_step_1"] = line
        rows[line]["traj"] = np.zeros(0, np.float32)
        rows[line]["data"] = np.ascontiguousarray(kspace[..., line]).view(np.float32).reshape(-1)
    with h5py.File(path, "w") as file:
        file["dataset/data"] = rows
        file.create_dataset("dataset/xml", data=[XML], dtype=h5py.string_dtype())
    return path


@pytest.mark.parametrize("head", [acquisition_header_dtype, ALIGNED, BACKWARDS])
def test_fields_are_found_by_name(tmp_path: Path, head: np.dtype) -> None:
    kspace = np.random.default_rng(0).standard_normal((COILS, H, W, 2)).astype(np.float32).view(np.complex64)[..., 0]
    np.testing.assert_array_equal(read_scan(write(tmp_path / "a.h5", kspace, head)).kspace[0], kspace)


def test_a_field_that_is_missing_is_not_taken_for_zero(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", np.ones((COILS, H, W), np.complex64), LACKING)
    with pytest.raises(InputError, match="have no field 'idx"):
        read_scan(path)
