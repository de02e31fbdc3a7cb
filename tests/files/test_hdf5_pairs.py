"""Complex numbers as records of two: none whose parts overlap, for which the library would write past its memory."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.files.hdf5 import find_array, reading


@pytest.mark.parametrize("names", [("real", "imag"), ("r", "i"), ("re", "im")])
@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f4", "<f8"])
def test_records_are_complex_numbers(tmp_path: Path, names: tuple[str, str], kind: str) -> None:
    records = np.array([(1, 2), (3, -4)], [(name, kind) for name in names])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = records
    with reading(tmp_path / "a.h5") as file:
        found = find_array(file, "x")
        assert found is not None
        np.testing.assert_array_equal(found[()], [1 + 2j, 3 - 4j])


def float_of_wide_exponent() -> h5py.h5t.TypeFloatID:
    """Of four bytes, which only a number of sixteen in memory holds."""
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(31, 16, 15, 0, 16)
    kind.set_ebias(2**14 - 1)
    return kind


@pytest.mark.parametrize(
    "kinds",
    [
        (float_of_wide_exponent(), float_of_wide_exponent()),
        (h5py.h5t.IEEE_F64LE, h5py.h5t.IEEE_F32LE),
        (h5py.h5t.STD_I32LE, h5py.h5t.STD_I32LE),
    ],
    ids=["wide", "unlike", "whole"],
)
def test_other_records_are_not(tmp_path: Path, kinds: tuple[h5py.h5t.TypeID, h5py.h5t.TypeID]) -> None:
    sizes = [kind.get_size() for kind in kinds]
    pair = h5py.h5t.create(h5py.h5t.COMPOUND, 32)
    for name, kind, offset in zip((b"real", b"imag"), kinds, (0, sizes[0]), strict=True):
        pair.insert(name, offset, kind)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        h5py.h5d.create(file.id, b"x", pair, h5py.h5s.create_simple((2,)))
    with reading(tmp_path / "a.h5") as file, pytest.raises(InputError, match="not numbers"):
        find_array(file, "x")
