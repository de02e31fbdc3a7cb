import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from invdiff.errors import InputError
from invdiff.files.hdf5 import (
    attributes_of,
    find,
    find_dataset,
    find_numbers,
    find_text,
    reading,
    write_attributes,
    writing,
)

Child = Callable[..., subprocess.Popen[str]]
DTYPES = st.sampled_from([np.complex64, np.float32, np.float64, np.int16, np.bool_])


@given(
    array=hnp.arrays(DTYPES, hnp.array_shapes(max_dims=4, max_side=6)),
    more=st.dictionaries(st.text("abc", min_size=1), hnp.arrays(np.float32, 3), max_size=9),
    chunked=st.booleans(),
)
def test_what_is_written_is_read(
    array: np.ndarray, more: dict[str, np.ndarray], chunked: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("hdf5") / "a.h5"
    with writing(path) as file:
        file.create_dataset("array", data=array, **({"chunks": True, "compression": "gzip"} if chunked else {}))
        for name, each in more.items():
            file[f"more/{name}"] = each
        assert not path.exists()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["array"][()], array)
        assert file["array"].dtype == array.dtype
        assert all(np.array_equal(file[f"more/{name}"][()], each, equal_nan=True) for name, each in more.items())


@pytest.mark.parametrize("largest", [0, 1000, 60_000])
@pytest.mark.parametrize(
    "fill",
    [
        'file["x"] = np.zeros(100_000)',
        'file.create_dataset("x", data=np.random.rand(100_000), chunks=(1000,), compression="gzip")',
        'for i in range(300): file[f"{i}/x"] = np.zeros(60)',
        'for i in range(30): file.attrs[str(i)] = "x" * 6000',
    ],
    ids=["one large", "chunks", "many small", "attributes"],
)
def test_a_full_disk_is_one_sentence(tmp_path: Path, child: Child, fill: str, largest: int) -> None:
    """Where the library hears of it, it says a paragraph, or dies by a segmentation fault."""
    script = f"""
        import numpy as np
        from invdiff.errors import InputError
        from invdiff.files.hdf5 import writing
        try:
            with writing("a.h5") as file:
                {fill}
        except InputError as error:
            print(error)
    """
    process = child(script, largest)
    out, errors = process.communicate()
    assert out.startswith("a.h5 can't be written: no space left for it (file too large);")
    assert (errors, process.returncode) == ("", 0)
    assert not [*tmp_path.iterdir()]


def test_errors_of_the_library(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"a\.h5 can't be written as HDF5: .*name already exists"),
        writing(tmp_path / "a.h5") as file,
    ):
        file["x"] = file["x"] = 1
    with pytest.raises(InputError, match="No such file"), writing(tmp_path / "missing" / "a.h5"):
        pass
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("value", [1, 2.5, True, "text", "", (1, 2, 3), np.float32(3), np.arange(8000), ["a", "bc"]])
def test_attributes(tmp_path: Path, value: object) -> None:
    with writing(tmp_path / "a.h5") as file:
        write_attributes(file, {"value": value})
        write_attributes(file.create_group("group"), {"value": value})
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file.attrs["value"], value)
        np.testing.assert_array_equal(file["group"].attrs["value"], value)


@pytest.mark.parametrize("value", [np.arange(8192), {"a": 1}, None, 10**30, "a\0b", (1, "a")])
def test_what_is_no_attribute_is_named(tmp_path: Path, value: object) -> None:
    words = f"'scale' can't be stored.*of type {type(value).__name__}"
    with pytest.raises(InputError, match=words), writing(tmp_path / "a.h5") as file:
        write_attributes(file, {"fine": 1, "scale": value})
    assert not [*tmp_path.iterdir()]


# Files of strangers


def test_links_within_a_file_are_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["deep/er/x"] = np.arange(3)
        file["deep/up"] = h5py.SoftLink("er")
        file["here"] = h5py.SoftLink("/deep/up/x")
        file["loop"] = h5py.SoftLink("/loop")
        file["nowhere"] = h5py.SoftLink("/deep/none")
    with reading(tmp_path / "a.h5") as file:
        for name in ("deep/er/x", "here", "/deep/up/x"):
            np.testing.assert_array_equal(find_numbers(file, name)[()], np.arange(3))
        assert find(file, "deep/up") == file["deep/er"]
        assert find(file, "nowhere") is find(file, "none") is find(file, "here/x") is find_dataset(file, "deep") is None
        with pytest.raises(InputError, match="loop is a link out of the file"):
            find(file, "loop")


def external_link(file: h5py.File, other: Path) -> None:
    file["x"] = h5py.ExternalLink(other, "/x")


def soft_link_to_a_link(file: h5py.File, other: Path) -> None:
    file["out"] = h5py.ExternalLink(other, "/")
    file["x"] = h5py.SoftLink("/out/x")


def external_storage(file: h5py.File, other: Path) -> None:
    file.create_dataset("x", (16,), "<u1", external=[(str(other), 0, 16)])


def virtual(file: h5py.File, other: Path) -> None:
    layout = h5py.VirtualLayout((3,), "<i8")
    layout[:] = h5py.VirtualSource(other, "x", shape=(3,))
    file.create_virtual_dataset("x", layout)


def virtual_of_itself(file: h5py.File, other: Path) -> None:
    """At whose numbers the library ends the process."""
    layout = h5py.VirtualLayout((3,), "<i8")
    layout[:] = h5py.VirtualSource(".", "x", shape=(3,))
    file.create_virtual_dataset("x", layout)


def far_too_large(file: h5py.File, other: Path) -> None:
    file.create_dataset("x", (10**6, 32, 640, 368), "<c8", chunks=(1, 1, 640, 368))


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (external_link, "x is a link out of the file"),
        (soft_link_to_a_link, "x is a link out of the file"),
        (external_storage, "x takes its numbers from other files"),
        (virtual, "x takes its numbers from other files"),
        (virtual_of_itself, "x takes its numbers from other files"),
        (far_too_large, r"x declares the shape \(1000000, 32, 640, 368\)"),
        (lambda file, other: file.update(x="text"), "x of shape .* not numbers"),
        (lambda file, other: file.update(x=h5py.Empty("<f4")), "x is a data set without a shape"),
        (lambda file, other: file.update(x=np.zeros(2, [("a", "<f4")])), "x of shape .* not numbers"),
    ],
)
def test_a_file_gives_its_own_numbers_or_none(
    tmp_path: Path, fill: Callable[[h5py.File, Path], None], words: str
) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        fill(file, tmp_path / "other.h5")
    with reading(tmp_path / "a.h5") as file, pytest.raises(InputError, match=words) as refused:
        find_numbers(file, "x")
    assert str(refused.value).startswith(f"{tmp_path / 'a.h5'}: ")


def test_a_plain_reader_follows_an_external_link(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        external_link(file, tmp_path / "other.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["x"], np.arange(3))


def test_sparse_and_compressed_numbers_are_no_lie(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("unwritten", (1000, 1000), "<f4", chunks=(100, 100))
        file.create_dataset("zeros", data=np.zeros((300, 300, 300), "<f4"), compression="gzip", compression_opts=9)
    with reading(tmp_path / "a.h5") as file:
        for name in ("unwritten", "zeros"):
            assert find_numbers(file, name).shape == file[name].shape


def test_texts_and_attributes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["varying"], file["fixed"], file["one"] = "<a/>", b"<a/>", np.array([b"<a/>"])
        file["numbers"] = np.ones(3)
        file.attrs.update({"text": "é", "bytes": np.bytes_(b"x"), "three": np.arange(3), "number": 1.5, "flag": True})
        file.attrs["empty"] = h5py.Empty("<f4")
        file.attrs["pair"] = np.zeros((), [("a", "<f4"), ("b", "<i2")])
        file.attrs["reference"] = file["numbers"].ref
    with reading(tmp_path / "a.h5") as file:
        assert [find_text(file, name) for name in ("varying", "fixed", "one", "none")] == ["<a/>"] * 3 + [None]
        assert attributes_of(file) == {"text": "é", "bytes": b"x", "three": (0, 1, 2), "number": 1.5, "flag": True}
        with pytest.raises(InputError, match=r"numbers of shape \(3,\) holds float64, not a text"):
            find_text(file, "numbers")


@pytest.mark.parametrize("size", [0, 2**64 - 16, 2**40])
def test_a_heap_without_end_is_refused(tmp_path: Path, size: int) -> None:
    """The library would go through it for ever where the size of its free space is zero."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = "text"
    content = bytearray(path.read_bytes())
    free = content.find(b"GCOL") + 16 + 24  # behind the first object
    assert int.from_bytes(content[free : free + 2], "little") == 0
    with reading(path) as file:
        assert find_text(file, "x") == "text"
    content[free + 8 : free + 16] = size.to_bytes(8, "little")
    (tmp_path / "b.h5").write_bytes(content)
    with (
        pytest.raises(InputError, match=r"b\.h5 can't be read as HDF5: its heap at byte .* is damaged"),
        reading(tmp_path / "b.h5"),
    ):
        pass


@pytest.mark.parametrize("chunked", [False, True])
def test_a_text_that_is_longer_than_its_file_is_refused(tmp_path: Path, chunked: bool) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.array(["text"], object), dtype=h5py.string_dtype(), chunks=chunked or None)
    with reading(path) as file:
        assert find_text(file, "x") == "text"
        place = file["x"].id.get_chunk_info(0).byte_offset if chunked else file["x"].id.get_offset()
    with path.open("r+b") as raw:
        raw.seek(place)
        raw.write((2**31).to_bytes(4, "little"))
    with reading(path) as file, pytest.raises(InputError, match="x declares a row of 2,147,483,648, in a file of"):
        find_text(file, "x")
