"""What `--save` and `--report` wrote is told, and what they could not write is refused before anything is drawn."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from invdiff.data import Geometry, Plane, read_scan, write_scan
from invdiff.diffusion import Bound
from invdiff.reconstruction import Reconstruction

Run = Callable[..., Any]
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", "2", "--threads", "1", "--no-audit")


def placed(folder: Path, to: Path, left: float = 10.0) -> Path:
    """A scan that says where it lies."""
    scan = read_scan(folder / "sense.h5")
    lies = Plane((left, 20.0, 30.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    planes = (lies, replace(lies, position=(left + 4, 20.0, 30.0)))
    shape = scan.image_shape
    geometry = Geometry(shape, (2.0 * shape[0], 1.5 * shape[1]), 4.0, planes=planes)
    write_scan(replace(scan, geometry=geometry), to)
    return to


def template(invdiff: Run, geometry: Geometry | None, folder: Path, **values: Any) -> Path:
    """A series of DICOM of that place."""
    assert geometry is not None
    image = np.ones((2, *geometry.shape), np.complex64)
    Reconstruction(image[:, None], image, None, {}, geometry=geometry).write(folder / "of-template.h5")
    assert invdiff("export", folder / "of-template.h5", f"dicom={folder / 'template'}").code == 0
    for path in (folder / "template").iterdir():
        one = pydicom.dcmread(path)
        for name, value in values.items():
            setattr(one, name, value)
        one.save_as(path)
    return folder / "template"


@pytest.fixture
def arguments(folder: Path, tmp_path: Path) -> tuple[Any, ...]:
    return ("solve", "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *QUICK)


def files(places: list[str]) -> list[Path]:
    """All files of these places, which are there."""
    found = [Path(place) for place in places]
    return [file for place in found for file in (sorted(place.iterdir()) if place.is_dir() else [place])]


def test_files_are_told_of_one_measurement(
    invdiff: Run, folder: Path, tmp_path: Path, arguments: tuple[Any, ...]
) -> None:
    scan, before = placed(folder, tmp_path / "scan.h5"), {"reconstruction.h5", "panel.png", "slices.png"}
    ran = invdiff(*arguments, scan, "--save", "nifti", "--save", "dicom", "--report", "--json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    (row,) = document["files"]
    assert "index" not in document
    out = tmp_path / "out"
    assert {file.relative_to(out).parts[0] for file in out.rglob("*")} - before == {
        Path(place).relative_to(out).parts[0] for place in row["written"]
    }
    assert str(out / "dicom") in row["written"]
    assert all(file.is_file() for file in files(row["written"]))
    assert len(files(row["written"])) == 6 + 2 + 1


def test_files_are_told_of_several_measurements(
    invdiff: Run, folder: Path, tmp_path: Path, arguments: tuple[Any, ...]
) -> None:
    for name in ("a.h5", "b.h5"):
        shutil.copy(folder / "sense.h5", tmp_path / name)
    ran = invdiff(*arguments, tmp_path / "a.h5", tmp_path / "b.h5", "--save", "npy", "--report", "--json")
    assert ran.code == 0, ran.err
    document, out = json.loads(ran.out), tmp_path / "out"
    assert document["index"] == str(out / "index.html")
    expected = [[str(out / name / file) for file in ("reconstruction.npy", "report.html")] for name in ("a", "b")]
    assert [row["written"] for row in document["files"]] == expected
    with (out / "summary.csv").open(newline="") as file:
        assert [row["written"].split("; ") for row in csv.DictReader(file)] == expected
    assert all(Path(place).is_file() for places in expected for place in places)


def test_what_could_not_be_written_is_not_told(
    invdiff: Run, folder: Path, tmp_path: Path, arguments: tuple[Any, ...]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "reconstruction.npy").write_text("another")
    ran = invdiff(*arguments, folder / "sense.h5", "--save", "npy", "--save", "png", "--json")
    assert ran.code == 3
    (row,) = json.loads(ran.out)["files"]
    assert "holds something else" in row["reason"]
    assert [Path(place).suffix for place in row["written"]] == [".png", ".png"]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test in which nothing is drawn."""

    def draw(self: Bound, *args: Any, **kwargs: Any) -> None:
        pytest.fail("something is drawn before it is refused")

    monkeypatch.setattr(Bound, "draw", draw)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("way", ["dicom", "parametric-map"])
@pytest.mark.parametrize("also", [(), ("--dry-run",)])
def test_a_template_that_does_not_fit_is_refused_before(
    invdiff: Run, folder: Path, tmp_path: Path, arguments: tuple[Any, ...], way: str, also: tuple[str, ...]
) -> None:
    if way == "parametric-map":
        pytest.importorskip("highdicom")
    other = template(invdiff, read_scan(placed(folder, tmp_path / "scan.h5")).geometry, tmp_path)
    (tmp_path / "empty").mkdir()
    far = placed(folder, tmp_path / "far.h5", left=200.0)
    for scan, series, words in (
        (far, other, "is of another geometry than far.h5"),
        (far, tmp_path / "nowhere", "is no folder"),
        (far, tmp_path / "empty", "has no images of DICOM"),
        (folder / "sense.h5", other, "sense.h5 does not tell where its slices lie"),
    ):
        ran = invdiff(*arguments, scan, "--save", way, "--template", series, *also)
        assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
        assert words in ran.err
        assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_template_whose_values_are_none_of_dicom_is_refused_before(
    invdiff: Run, folder: Path, tmp_path: Path, arguments: tuple[Any, ...]
) -> None:
    scan = placed(folder, tmp_path / "scan.h5")
    with pytest.warns(UserWarning, match="Invalid value"):
        series = template(invdiff, read_scan(scan).geometry, tmp_path, StudyDate="yesterday")
    ran = invdiff(*arguments, scan, "--save", "dicom", "--template", series)
    assert (ran.code, "StudyDate that DICOM does not allow" in ran.err) == (2, True), ran.err


def test_a_template_that_fits_gives_its_patient(
    invdiff: Run, folder: Path, tmp_path: Path, arguments: tuple[Any, ...]
) -> None:
    scan = placed(folder, tmp_path / "scan.h5")
    series = template(invdiff, read_scan(scan).geometry, tmp_path, PatientID="7")
    ran = invdiff(*arguments, scan, "--save", "dicom", "--template", series)
    assert ran.code == 0, ran.err
    assert pydicom.dcmread(tmp_path / "out" / "dicom" / "0001.dcm").PatientID == "7"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("several", [False, True])
def test_a_page_of_somebody_else_is_found_before(
    invdiff: Run, folder: Path, tmp_path: Path, arguments: tuple[Any, ...], several: bool
) -> None:
    page = tmp_path / "out" / ("index.html" if several else "report.html")
    page.parent.mkdir()
    page.write_text("mine")
    scans = (folder / "sense.h5", folder / "truth.h5") if several else (folder / "sense.h5",)
    ran = invdiff(*arguments, *scans, "--report")
    assert (ran.code, f"{page} is there, and is no report" in ran.err) == (2, True), ran.err
    assert page.read_text() == "mine"
