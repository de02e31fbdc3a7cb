"""What a file is, whatever its name says, and formats of other packages."""

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import pytest
from PIL import Image

from invdiff.data import (
    Format,
    Scan,
    image_suffixes,
    open_scan,
    picture_suffixes,
    read_image,
    read_picture,
    read_scan,
    scan_suffixes,
    write_scan,
)
from invdiff.data.formats import FORMATS, formats, offered
from invdiff.errors import InputError
from invdiff.evaluation import Simulation, find_subjects

KSPACE = np.ones((1, 2, 4, 4), np.complex64) * np.arange(1, 5, dtype=np.float32)
VOLUME = np.arange(1, 61, dtype=np.int16).reshape(3, 5, 4)
GREY = np.arange(0, 240, 12, dtype=np.uint8).reshape(5, 4)
IMAGES: dict[str, tuple[Callable[[Path], Any], np.ndarray]] = {
    ".npy": (lambda path: np.save(path, VOLUME), VOLUME),
    ".nii": (lambda path: nibabel.save(nibabel.Nifti1Image(VOLUME.transpose(1, 2, 0), np.eye(4)), path), VOLUME),
    ".nii.gz": (lambda path: nibabel.save(nibabel.Nifti1Image(VOLUME.transpose(1, 2, 0), np.eye(4)), path), VOLUME),
    ".png": (lambda path: Image.fromarray(GREY).save(path), GREY[None]),
    ".tif": (lambda path: Image.fromarray(GREY).save(path), GREY[None]),
}
SCANS: dict[str, Callable[[Path], Any]] = {
    ".h5": lambda path: write_scan(Scan(KSPACE), path),
    ".npz": lambda path: np.savez(path, kspace=KSPACE),
}


@pytest.mark.parametrize("suffix", [*IMAGES, ".jpg", ".h5", ".dat", ""])
@pytest.mark.parametrize("kind", IMAGES)
def test_images_are_what_their_content_says(tmp_path: Path, kind: str, suffix: str) -> None:
    write, expected = IMAGES[kind]
    write(tmp_path / f"good{kind}")
    path = (tmp_path / f"good{kind}").rename(tmp_path / f"other{suffix}")
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(read_picture(path).image, expected.astype(np.float32))


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".mrd", ".png", ".dat"])
@pytest.mark.parametrize("kind", SCANS)
def test_scans_are_what_their_content_says(tmp_path: Path, kind: str, suffix: str) -> None:
    SCANS[kind](tmp_path / f"good{kind}")
    path = (tmp_path / f"good{kind}").rename(tmp_path / f"other{suffix}")
    for read in (read_scan, open_scan):
        np.testing.assert_array_equal(read(path).kspace, KSPACE)


def test_a_block_of_the_user_may_come_before_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.dat", "w", userblock_size=1024) as file:
        file["kspace"] = KSPACE
    np.testing.assert_array_equal(read_scan(tmp_path / "a.dat").kspace, KSPACE)


def test_files_of_known_formats_that_hold_something_else(tmp_path: Path) -> None:
    IMAGES[".png"][0](tmp_path / "a.png")
    SCANS[".h5"](tmp_path / "a.h5")
    (tmp_path / "a.png").rename(tmp_path / "b.h5")
    (tmp_path / "a.h5").rename(tmp_path / "b.png")
    with pytest.raises(
        InputError,
        match=r"b\.h5 holds PNG; scans are read from \.h5, \.hdf5, \.mrd, \.mrd2, \.cfl, \.npz, \.npy, \.mat",
    ):
        read_scan(tmp_path / "b.h5")
    with pytest.raises(InputError, match=r"b\.png holds HDF5; images are read from \.npy, \.nii, \.nii\.gz, \.png, "):
        read_image(tmp_path / "b.png")


def test_suffixes_come_from_the_table() -> None:
    assert scan_suffixes() == (".h5", ".hdf5", ".mrd", ".mrd2", ".cfl", ".npz", ".npy", ".mat")
    assert image_suffixes() == (".npy", ".nii", ".nii.gz", ".png", ".tif", ".jpg", ".dcm")
    assert set(picture_suffixes()) == {".mat", ".h5", ".hdf5", ".npz", *image_suffixes()}


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_rows_hold_something_and_are_told_by_something(one: Format) -> None:
    assert one.has_scan or one.has_picture
    assert one.suffixes
    assert all(place + len(signature) <= 4096 for place, signature in one.signatures)


def read_text(path: Path) -> Scan:
    """Of a format of k-space as text."""
    return Scan(np.loadtxt(path, np.complex64, skiprows=1)[None, None], name=path.name)


TEXT = Format("k-space as text", (".ktxt",), ((0, b"# k-space\n"),), scan=read_text)


def entries(value: str) -> Callable[..., tuple[EntryPoint, ...]]:
    return lambda group: (EntryPoint("own", value, group),)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A package is installed whose entry point has this value."""

    def install(value: str) -> None:
        monkeypatch.setattr(offered, "entry_points", entries(value))
        formats.cache_clear()

    yield install
    formats.cache_clear()


def test_a_format_of_ones_own_is_one_file_and_one_entry_point(tmp_path: Path, own: Callable[[str], None]) -> None:
    path = tmp_path / "a.ktxt"
    path.write_text("# k-space\n1+1j 2\n3 4\n5 6\n")
    with pytest.raises(InputError, match=r"has the suffix '\.ktxt'"):
        read_scan(path)
    own(f"{__name__}:TEXT")
    assert read_scan(path).kspace.shape == open_scan(path).kspace.shape == (1, 1, 3, 2)
    (tmp_path / "a.png").write_bytes(path.read_bytes())
    assert read_scan(tmp_path / "a.png").kspace[0, 0, 0, 0] == 1 + 1j
    (tmp_path / "a.png").unlink()
    assert ".ktxt" in scan_suffixes()
    assert [subject.name for subject in find_subjects(tmp_path, Simulation())] == ["a.ktxt"]


def test_an_entry_point_of_something_else_is_refused(tmp_path: Path, own: Callable[[str], None]) -> None:
    own(f"{__name__}:read_text")
    SCANS[".npz"](tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"entry point 'own' of invdiff\.formats is .* must be a Format"):
        read_scan(tmp_path / "a.npz")
