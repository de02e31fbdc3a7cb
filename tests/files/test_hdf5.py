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
from invdiff.files.hdf5 import write_attributes, writing

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
