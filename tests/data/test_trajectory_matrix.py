"""The matrix of the image that a file along a trajectory tells."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.data import open_scan, radial
from invdiff.errors import InputError

TRAJECTORY = radial(5, 16)
KSPACE = np.ones((1, 2, 5, 16), np.complex64)


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        ([np.inf, 16.0], "inf, 16.0"),
        ([np.nan, 16.0], "nan, 16.0"),
        ([16.5, 16.0], "16.5, 16.0"),
        ([16j, 16], "complex128 of shape"),
        ([16], "int64 of shape"),
        ([16, 16, 1, 1], "int64 of shape"),
    ],
)
def test_what_is_no_matrix_is_told(tmp_path: Path, matrix: Any, told: str) -> None:
    path = tmp_path / "scan.npz"
    np.savez(path, kspace=KSPACE, traj=TRAJECTORY.points, matrix=np.array(matrix))
    with pytest.raises(InputError, match=f"matrix must be two whole numbers.*not {told}"):
        open_scan(path)


def test_whole_numbers_of_any_kind_are_one(tmp_path: Path) -> None:
    for matrix in (np.array([[16.0], [12.0]]), np.array([16, 12], np.uint8), np.array([16, 12, 1], ">i4")):
        np.savez(tmp_path / "scan.npz", kspace=KSPACE, traj=TRAJECTORY.points, matrix=matrix)
        assert open_scan(tmp_path / "scan.npz").image_shape == (16, 12)
