"""Results as arrays and pictures, read by the libraries that others read them with."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from invdiff.data.formats.bart import read_cfl
from invdiff.reconstruction.writers import WRITERS, WayOut, Writer
from tests.reconstruction.writers.results import Made, Marked, marked, written


def exported(name: str, one: Marked, folder: Path) -> tuple[Path, ...]:
    return WayOut.named(name).export(written(one, folder)).files


@settings(max_examples=10)
@given(Made)
def test_numpy(tmp_path_factory: pytest.TempPathFactory, one: Marked) -> None:
    (path,) = exported("npy", one, tmp_path_factory.mktemp("npy"))
    np.testing.assert_array_equal(np.load(path), one.result.image)
    assert np.load(path).dtype == np.complex64


def read_bart(stem: Path) -> np.ndarray:
    """As BART's own python/cfl.py does: sizes from the line after the heading, numbers in the order of Fortran."""
    sizes = [int(word) for word in Path(f"{stem}.hdr").read_text().splitlines()[1].split()]
    return np.fromfile(f"{stem}.cfl", np.complex64).reshape(sizes, order="F")


@settings(max_examples=10)
@given(Made)
def test_bart(tmp_path_factory: pytest.TempPathFactory, one: Marked) -> None:
    """READ and PHS1 are rows and columns, and dimension 13 is that of slices (BART, src/misc/mri.h)."""
    numbers, header = exported("bart", one, tmp_path_factory.mktemp("bart"))
    assert (numbers.suffix, header.suffix) == (".cfl", ".hdr")
    found = read_bart(numbers.with_suffix(""))
    slices, height, width = one.result.image.shape
    assert found.shape == (height, width, *[1] * 11, slices, 1, 1)
    np.testing.assert_array_equal(np.moveaxis(found.squeeze((*range(2, 13), 14, 15)), -1, 0), one.result.image)
    np.testing.assert_array_equal(read_cfl(numbers), found)
    np.testing.assert_raises(AssertionError, np.testing.assert_array_equal, found, found[::-1])


def test_fastmri(tmp_path: Path) -> None:
    one = marked()
    (path,) = exported("fastmri", one, tmp_path)
    with h5py.File(path) as file:
        assert list(file) == ["reconstruction"]
        assert file["reconstruction"].dtype == np.float32
        np.testing.assert_array_equal(file["reconstruction"], np.abs(one.result.image))


def test_pictures_share_one_window(tmp_path: Path) -> None:
    one = marked()
    files = exported("png", one, tmp_path)
    assert [path.name for path in files] == [f"reconstruction_slice-{number:04d}.png" for number in (7, 8, 9)]
    pictures = np.stack([np.asarray(Image.open(path)) for path in files])
    assert pictures.dtype == np.uint8
    magnitudes = np.abs(one.result.image)
    white = np.percentile(magnitudes, 99.9)
    np.testing.assert_allclose(pictures, np.minimum(magnitudes / white, 1) * 255, atol=0.51)
    assert pictures[one.voxel] == 255
    assert (pictures.max(axis=(1, 2)) == 255).sum() == 1  # the other slices are dark in the window of the bright one


def test_mrd(tmp_path: Path) -> None:
    """Axis x is the readout, and heads have the centre's place in mm (LPS)."""
    mrd = pytest.importorskip("mrd")
    one = marked()
    (path,) = exported("mrd", one, tmp_path)
    with path.open("rb") as file, mrd.BinaryMrdReader(file) as reader:
        reader.read_header()
        images = [item.value for item in reader.read_data()]
    assert len(images) == 6
    result, geometry = one.result, one.result.geometry
    assert geometry is not None
    for k, plane in enumerate(geometry.planes or ()):
        np.testing.assert_array_equal(images[k].data[0, 0].T, result.image[k])
        np.testing.assert_array_equal(images[3 + k].data[0, 0].T, result.std[k])
        np.testing.assert_allclose(images[k].head.position, plane.position, rtol=1e-6)
        np.testing.assert_allclose(images[k].head.col_dir, plane.read, rtol=1e-5)


def test_zarr(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    one = marked()
    exported("zarr", one, tmp_path)
    group = zarr.open_group(tmp_path / "reconstruction.zarr", mode="r")
    result, geometry = one.result, one.result.geometry
    assert geometry is not None
    for name in ("image", "samples", "mean", "std", "magnitude_std", "zero_filled", "estimate"):
        np.testing.assert_array_equal(group[name][:], getattr(result, name))
        assert group[name].dtype == getattr(result, name).dtype
    assert group["samples"].chunks == (1, 1, *geometry.shape)
    np.testing.assert_array_equal(group["slice"][:], [7, 8, 9])
    np.testing.assert_allclose(group["position_mm"][:], [plane.position for plane in geometry.planes or ()])
    assert group.attrs["Reconstruction"]["method"] == "estimate"


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_files_appear_by_the_umask_and_the_same_again(tmp_path: Path, writer: Writer) -> None:
    """A second time nothing changes, and nothing is refused."""
    pytest.importorskip(writer.needs[0] if writer.needs else "numpy")
    path, way = written(marked(), tmp_path), WayOut.named(writer.name)
    before = os.umask(0o027)
    try:
        files = way.export(path).files
    finally:
        os.umask(before)
    assert files
    assert {file.stat().st_mode & 0o777 for file in files} == {0o640}
    contents = [file.read_bytes() for file in files]
    assert way.export(path).files == files
    assert [file.read_bytes() for file in files] == contents
    found = {file for file in tmp_path.rglob("*") if file.is_file()}
    assert found == {*files, path}
