"""MATLAB's files of strangers."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from invdiff.errors import InputError
from invdiff.files.mat import mat_shapes, read_mat

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4) * (1 + 1j)


def fill(path: Path, compressed: bool = False) -> Path:
    objects = np.empty((1, 2), object)
    objects[0] = 1, "two"
    savemat(
        path,
        {"a": ARRAY.astype(np.complex64), "b": np.ones((2, 2), bool), "c": objects, "s": {"x": 1}, "t": "text"},
        do_compression=compressed,
    )
    return path


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_of_numbers_are_read_and_nothing_else(tmp_path: Path, compressed: bool) -> None:
    path = fill(tmp_path / "a.mat", compressed)
    assert mat_shapes(path) == {"a": (2, 3, 4), "b": (2, 2)}
    np.testing.assert_array_equal(read_mat(path, "a"), ARRAY)
    for name in ("c", "s", "t", "absent"):
        with pytest.raises(InputError, match=f"no array of numbers '{name}'; it holds a, b"):
            read_mat(path, name)


def test_a_file_that_declares_more_than_it_holds(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.mat")
    content = path.read_bytes()
    sizes = np.array([2, 3, 4], "<i4").tobytes()
    assert content.count(sizes) == 1
    path.write_bytes(content.replace(sizes, np.array([20000, 30000, 40000], "<i4").tobytes()))
    with pytest.raises(InputError, match=r"a declares the shape \(20000, 30000, 40000\)"):
        read_mat(path, "a")


def test_damage_is_a_sentence(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.mat", compressed=True)
    content = bytearray(path.read_bytes())
    for damaged in (content[:200], content[:128], b"MATLAB 5.0 MAT-file".ljust(128), content[:140] + content[141:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"MATLAB file|no array of numbers"):
            read_mat(path, "a")
    with pytest.raises(InputError, match="can't be read as a MATLAB file"):
        read_mat(tmp_path / "absent.mat", "a")
