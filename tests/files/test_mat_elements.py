"""Elements of MATLAB's files are read as SciPy reads them, and refused where it would end the process."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.io import loadmat, savemat

from invdiff.errors import InputError
from invdiff.files.mat import mat_shapes, read_mat

KINDS = st.sampled_from(
    ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "c8", "c16", "?"]
)  # that SciPy writes
ARRAYS = KINDS.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4)))


@given(st.dictionaries(st.text("abcXYZ", min_size=1, max_size=40), ARRAYS, max_size=4), st.booleans())
def test_arrays_are_those_that_scipy_reads(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, np.ndarray], is_compressed: bool
) -> None:
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    savemat(path, arrays, do_compression=is_compressed, long_field_names=True)
    written = loadmat(path)
    assert mat_shapes(path) == {name: written[name].shape for name in arrays}
    for name in arrays:
        found = read_mat(path, name)
        np.testing.assert_array_equal(found, written[name])
        assert found.dtype == arrays[name].dtype


def element(order: str, kind: int, content: bytes) -> bytes:
    """Within its tag, where it is short."""
    if len(content) <= 4:
        return struct.pack(f"{order}I", len(content) << 16 | kind) + content.ljust(4, b"\0")
    return struct.pack(f"{order}II", kind, len(content)) + content + bytes(-len(content) % 8)


def file_of(
    order: str, kind: int, numbers: bytes, name: bytes = b"x", flags: int = 6, is_compressed: bool = False
) -> bytes:
    """Of one array (2, 1)."""
    parts = (6, struct.pack(f"{order}II", flags, 0)), (5, struct.pack(f"{order}ii", 2, 1)), (1, name), (kind, numbers)
    matrix = element(order, 14, b"".join(element(order, *part) for part in parts))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}H2s", 0x100, b"IM" if order == "<" else b"MI")
    if not is_compressed:
        return header + matrix
    stream = zlib.compress(matrix)
    return header + struct.pack(f"{order}II", 15, len(stream)) + stream


@pytest.mark.parametrize("is_compressed", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_either_order_of_bytes_and_numbers_stored_in_fewer(tmp_path: Path, order: str, is_compressed: bool) -> None:
    path = tmp_path / "a.mat"
    for kind, numbers in ((2, b"\x01\x02"), (9, struct.pack(f"{order}dd", 1, 2))):
        path.write_bytes(file_of(order, kind, numbers, is_compressed=is_compressed))
        np.testing.assert_array_equal(read_mat(path, "x"), np.array([[1.0], [2.0]]))
        assert read_mat(path, "x").dtype == np.float64


@pytest.mark.parametrize("is_compressed", [True, False])
@pytest.mark.parametrize("kind", [0, 8, 10, 14, 16, 39, 127, 2**15, 2**31 - 1])
def test_numbers_of_no_known_kind(tmp_path: Path, kind: int, is_compressed: bool) -> None:
    path, numbers = tmp_path / "a.mat", np.array([1.0, 2.0]).tobytes()
    path.write_bytes(file_of("<", kind, numbers, is_compressed=is_compressed))
    with pytest.raises(InputError, match="a MATLAB file"):
        read_mat(path, "x")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (file_of("<", 9, b"\0" * 24), "reshape"),
        (file_of("<", 9, b"\0" * 16, flags=6 | 8 << 8), "unpack"),
        (file_of("<", 9, b"\0" * 16, flags=9), "x of uint8 is stored as float64"),
        (file_of("<", 9, b"\0" * 16)[:-1], "cut short"),
        (file_of("<", 9, b"\0" * 16, is_compressed=True)[:-1], "cut short"),
        (file_of("<", 9, b"\0" * 16) + b"\0" * 8, "the element at byte 200 is no array"),
        (file_of("<", 9, b"\0" * 16).replace(b"IM", b"  "), "have MATLAB save it with -v7"),
        (file_of("<", 9, b"\0" * 16, name=b""), "no array of numbers 'x'"),
    ],
)
def test_what_does_not_fit_together(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_mat(tmp_path / "a.mat", "x")


def test_a_stream_that_grows_without_end(tmp_path: Path) -> None:
    header, stream = file_of("<", 9, b"")[:128], zlib.compress(file_of("<", 2, b"\0\0")[128:] + bytes(2**24))
    (tmp_path / "a.mat").write_bytes(header + struct.pack("<II", 15, len(stream)) + stream)
    assert mat_shapes(tmp_path / "a.mat") == {"x": (2, 1)}
    with pytest.raises(InputError, match="x is cut short or longer than it declares"):
        read_mat(tmp_path / "a.mat", "x")
