from pathlib import Path

import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.files.archive import read_archive


def test_reading(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.arange(3), two=np.ones(2))
    found = read_archive(tmp_path / "a.npz")
    assert set(found) == {"one", "two"}
    np.testing.assert_array_equal(found["one"], [0, 1, 2])
    assert set(read_archive(tmp_path / "a.npz", ["two", "three"])) == {"two"}


@pytest.mark.parametrize("compressed", [False, True])
def test_damage_anywhere_is_told(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "a.npz"
    (np.savez_compressed if compressed else np.savez)(path, x=np.random.default_rng(0).random(200))
    whole = path.read_bytes()
    refused = 0
    for start in range(0, len(whole), 37):
        path.write_bytes(whole[:start] + bytes(20) + whole[start + 20 :])
        try:
            read_archive(path, ["x"])
        except InputError:
            refused += 1
    assert refused > len(whole) // 37 * 0.8
    for length in range(0, len(whole), 101):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="can't be read"):
            read_archive(path)


def test_other_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(InputError, match="single array"):
        read_archive(tmp_path / "a.npy")
    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="allow_pickle"):
        read_archive(tmp_path / "objects.npz")
    for path in (tmp_path, tmp_path / "missing.npz"):
        with pytest.raises(InputError, match="can't be read"):
            read_archive(path)
