"""Results for other programs, from the command line."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import pydicom
import pytest

from invdiff.data import Geometry, Plane, read_scan, write_scan
from invdiff.methods import find_method
from invdiff.reconstruction import Reconstruction
from invdiff.reconstruction.writers import WRITERS
from tests.reconstruction.writers.results import marked, written

Run = Callable[..., Any]
QUICK = ("--method", "fast", "--set", "steps=3", "--samples", "2", "--threads", "1", "--no-audit")


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return written(marked(), tmp_path)


def test_several_ways_at_once(invdiff: Run, result: Path, tmp_path: Path) -> None:
    ran = invdiff("export", result, tmp_path / "out.nii.gz", f"{tmp_path}/series/", "npy", "--json")
    assert ran.code == 0, ran.err
    files = json.loads(ran.out)["files"]
    assert len(files) == 6 + 3 + 1
    assert all(Path(file).is_file() for file in files)
    np.testing.assert_array_equal(np.load(tmp_path / "reconstruction.npy"), marked().result.image)


def test_what_there_is_is_told(invdiff: Run, result: Path, tmp_path: Path) -> None:
    ran = invdiff("export", result, "nifti", "npy")
    assert f"wrote {tmp_path / 'reconstruction.npy'}" in ran.out
    assert str(tmp_path / "reconstruction_part-phase.nii.gz") in ran.out
    assert ran.err == ""
    assert invdiff("export", result, "nifti", "--quiet").out == ""


def test_what_nobody_knows_is_a_warning(invdiff: Run, tmp_path: Path) -> None:
    image = np.ones((1, 4, 4), np.complex64)
    Reconstruction(image[:, None], image, None, {}).write(tmp_path / "a.h5")
    ran = invdiff("export", tmp_path / "a.h5", "nifti", "--quiet")
    assert ran.code == 0
    assert "warning: Nothing tells the size of its voxels" in ran.err


def test_refusals_are_one_sentence(invdiff: Run, result: Path, tmp_path: Path) -> None:
    invdiff("export", result, f"dicom={tmp_path / 'template'}")
    written(marked(1), tmp_path)
    (tmp_path / "out.npy").write_text("another")
    for arguments, words in (
        ((tmp_path / "out.nifty",), "There is no way out for .*did you mean"),
        ((f"dicom={tmp_path / 'new'}", "--template", tmp_path / "template"), "is of another geometry than"),
        (("npy", "--template", tmp_path / "template"), "which DICOM takes and nothing else"),
        ((tmp_path / "out.npy",), "holds something else; choose another name, or replace it"),
        ((tmp_path / "out.npy" / "out.npy",), "can't be made"),
    ):
        ran = invdiff("export", result, *arguments)
        assert ran.code == 2
        assert re.search(words, ran.err)
        assert ran.err.count("\n") == 1
    assert (tmp_path / "out.npy").read_text() == "another"
    assert invdiff("export", result, tmp_path / "out.npy", "--force").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), marked(1).result.image)


def test_help_names_every_format(invdiff: Run) -> None:
    told = " ".join(invdiff("export", "--help").out.split())
    for writer in WRITERS:
        assert writer.name in told


@pytest.fixture
def placed(folder: Path, tmp_path: Path) -> Path:
    """A scan that says where it lies."""
    scan = read_scan(folder / "sense.h5")
    lies = Plane((10.0, 20.0, 30.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    planes = (lies, replace(lies, position=(14.0, 20.0, 30.0)))
    shape = scan.image_shape
    geometry = Geometry(shape, (2.0 * shape[0], 1.5 * shape[1]), 4.0, planes=planes)
    write_scan(replace(scan, geometry=geometry), tmp_path / "placed.h5")
    return tmp_path / "placed.h5"


def test_solve_saves_what_it_makes(invdiff: Run, folder: Path, placed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("solve", placed, "--out", out, "--prior", folder / "prior.safetensors", *QUICK, "--save", "nifti")
    arguments = (*arguments, "--save", f"dicom={tmp_path / 'series'}")
    ran = invdiff(*arguments)
    assert ran.code == 0, ran.err
    with h5py.File(out / "reconstruction.h5") as file:
        image, affine = file["image"][()], file.attrs["affine"]
        assert len(file.attrs["citations"].splitlines()) > 1
    found = nibabel.load(out / "reconstruction_part-mag.nii.gz")
    np.testing.assert_allclose(found.get_fdata(), np.moveaxis(np.abs(image), 0, -1), rtol=1e-6)
    np.testing.assert_allclose(found.affine, affine, atol=1e-4)
    said = json.loads((out / "reconstruction_part-mag.json").read_text())
    assert said["Reconstruction"]["method"] == "fast"
    assert said["Citations"] == [str(cited) for cited in find_method("fast").build(steps=3).citations()]
    first = pydicom.dcmread(tmp_path / "series" / "0000.dcm")
    assert first.pixel_array.shape == image.shape[1:]
    again = invdiff(*arguments)
    assert (again.code, "was there already" in again.out) == (0, True)


def test_a_result_that_a_format_can_not_say_is_there_all_the_same(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    """The exit status is that of a part that is missing."""
    arguments = ("--out", tmp_path, "--prior", folder / "prior.safetensors", *QUICK, "--save", "dicom")
    ran = invdiff("solve", folder / "sense.h5", *arguments, "--json")
    assert ran.code == 3
    assert "warning: sense.h5: " in ran.err
    assert "nobody could tell left from right" in ran.err
    (row,) = json.loads(ran.out)["files"]
    assert "nobody could tell left from right" in row["reason"]
    assert Path(row["result"]).is_file()
    assert not (tmp_path / "dicom").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--save", "nift"), "did you mean nifti"),
        (("--save", "out.nii.gz", "--out", "-"), "A run of pipes"),
        (("--save", "out.nii.gz"), "is one place for 2 measurement"),
        (("--save", "npy", "--template", "."), "which DICOM takes"),
    ],
)
def test_ways_are_refused_before_anything_is_done(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = (folder / "sense.h5", folder / "truth.h5")
    ran = invdiff("solve", *files, "--prior", folder / "prior.safetensors", *QUICK, *options)
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert list(tmp_path.iterdir()) == []
