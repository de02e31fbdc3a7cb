"""``invdiff regions`` on results that were written."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.reconstruction import Magnitude, Reconstruction
from invdiff.reconstruction.uncertainty import conformal
from invdiff.reconstruction.uncertainty.conformal import Conformal, Coverage, how_made

Run = Callable[..., Any]
BOXES = ("--region", "a=1:3,2:5", "--region", "b=4:8,0:4")


def reconstruction(samples: int = 4, has_estimate: bool = True) -> Reconstruction:
    """Of slices 3 to 5, of which the last is empty."""
    rng = np.random.default_rng(0)
    image = np.linspace(5, 9, 48).reshape(8, 6) + np.zeros((3, 1, 1))
    drawn = image[:, None] + rng.standard_normal((3, samples, 8, 6)) + 1j * rng.standard_normal((3, samples, 8, 6))
    drawn[2] = image[2] = 0
    drawn, image = drawn.astype("c8"), image.astype("c8")
    attributes = {"slice": np.array([3, 4, 5]), "acceleration": 4.0}
    return Reconstruction(drawn, image, None, attributes, image if has_estimate else None)


@pytest.fixture
def result(tmp_path: Path) -> Path:
    reconstruction().write(tmp_path / "reconstruction.h5")
    return tmp_path / "reconstruction.h5"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("has_estimate", [True, False])
def test_the_table_is_what_samples_tell(invdiff: Run, tmp_path: Path, has_estimate: bool) -> None:
    made, path = reconstruction(has_estimate=has_estimate), tmp_path / "reconstruction.h5"
    made.write(path)
    ran = invdiff("regions", path, *BOXES, "--brighter", "b,a", "--level", 0.8)
    assert ran.code == 0, ran.err
    assert "warning: slice 5 is empty" in ran.err
    rows = table(tmp_path / "regions.csv")
    assert [(row["slice"], row["region"], row["pixels"]) for row in rows] == [
        ("3", "a", "6"),
        ("3", "b", "16"),
        ("3", "b - a", ""),
        ("4", "a", "6"),
        ("4", "b", "16"),
        ("4", "b - a", ""),
    ]
    a, b = np.zeros((8, 6), bool), np.zeros((8, 6), bool)
    a[1:3, 2:5] = b[4:8, :4] = True
    told = Magnitude.of(made.samples[1], made.image[1] if has_estimate else None)
    for row, found in zip(rows[3:], (told.mean_in(a), told.mean_in(b), told.difference(b, a)), strict=True):
        assert float(row["mean"]) == pytest.approx(float(found.centre))
        assert (float(row["lower"]), float(row["upper"])) == pytest.approx(found.interval(0.8))
    assert float(rows[5]["probability_brighter"]) == pytest.approx(float(told.difference(b, a).probability_above_zero))
    assert "80% interval" in ran.out
    assert f"{float(rows[5]['probability_brighter']):.1%}" in ran.out


def test_labels_slices_and_json(invdiff: Run, result: Path, tmp_path: Path) -> None:
    labels = np.zeros((3, 8, 6), np.uint8)
    labels[1, 2:4, 2:4] = 2
    np.save(tmp_path / "labels.npy", labels)
    options = ("--labels", tmp_path / "labels.npy", "--slices", "0:2", "--out", tmp_path / "t.csv", "--json")
    ran = invdiff("regions", result, *options, "--region", "all=0:8,0:6", "--brighter", "all,2")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert (document["command"], document["samples"]) == ("regions", 4)
    names = [(row["slice"], row["region"]) for row in document["rows"]]
    assert names == [(3, "all"), (4, "2"), (4, "all"), (4, "all - 2")]
    assert len(table(tmp_path / "t.csv")) == 4
    assert not (tmp_path / "regions.csv").exists()


def test_what_validation_images_tell_is_said_of_results_made_so_alone(
    invdiff: Run, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Conformal(how_made({}, 4), 4.0, "12 images", (Coverage(0.9, 0.8, 1.5, 2.0),))
    monkeypatch.setattr(conformal, "conformal_table", lambda: (row,))
    assert row.sentence in " ".join(invdiff("regions", result, *BOXES).out.split("\n"))
    with h5py.File(result, "r+") as file:
        file.attrs["sampling"] = "points"
    assert "12 images" not in invdiff("regions", result, *BOXES).out


def test_solve_tells_it_too_and_records_how_it_was_made(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--prior", folder / "prior.safetensors", "--set", "steps=3", "--samples", 2, "--precision", "f32")
    command = ("solve", folder / "sense.h5", *options, "--method", "fast", "--threads", 1, "--out", tmp_path)
    first = invdiff(*command)
    assert first.code == 0, first.err
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        attributes = dict(file.attrs)
    assert attributes["sampling"] == "lines"
    assert attributes["prior"] == str(folder / "prior.safetensors")
    assert len(attributes["prior_weights"]) == 64
    row = Conformal(how_made(attributes, 2), attributes["acceleration"], "9 images", (Coverage(0.9, 0.8, 1.5, 2.0),))
    assert row.sentence not in first.out
    monkeypatch.setattr(conformal, "conformal_table", lambda: (row,))
    for told in (invdiff(*command), invdiff("regions", tmp_path / "reconstruction.h5", *BOXES)):
        assert (told.code, row.sentence in told.out) == (0, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "There is no region"),
        (("--region", "a=1:9,0:2"), "rows 1:9 are not within an image of 8 x 6"),
        (("--region", "a=1:2,0:2", "--region", "a=2:3,0:2"), "Two regions are called 'a'"),
        ((*BOXES, "--brighter", "a,c"), "There is no region 'c'; there are a, b"),
        ((*BOXES, "--brighter", "a"), "--brighter is A,B"),
        ((*BOXES, "--level", "90"), "within 0 and 1"),
        ((*BOXES, "--slices", "7"), "asks for others"),
        ((*BOXES, "--slices", "2"), "No slice"),
        ((*BOXES, "--labels", "nowhere.npy"), "nowhere.npy does not exist"),
        ((*BOXES, "--out", "/dev/null/t.csv"), "can't be made"),
    ],
)
def test_refusals(invdiff: Run, result: Path, options: tuple[str, ...], words: str) -> None:
    ran = invdiff("regions", result, *options)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert [path.name for path in result.parent.iterdir()] == ["reconstruction.h5"]


@pytest.mark.parametrize("samples", [0, 1])
def test_too_few_samples_tell_nothing(invdiff: Run, tmp_path: Path, samples: int) -> None:
    reconstruction(samples).write(tmp_path / "reconstruction.h5")
    ran = invdiff("regions", tmp_path / "reconstruction.h5", *BOXES)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "no two samples of a slice" in ran.err


def broken(path: Path, name: str, value: object) -> None:
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        if value is not None:
            file[name] = value


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("image", None, "no dataset 'image'"),
        ("image", np.ones((3, 8, 6), int), "no dataset 'image'"),
        ("image", np.ones((2, 8, 6)), "samples of shape (3, 4, 8, 6) of an image of (2, 8, 6)"),
        ("image", np.ones((0, 8, 6)), "no dataset 'image'"),
        ("samples", np.ones((3, 8, 6)), "samples of shape (3, 8, 6)"),
        ("samples", np.ones((3, 4, 8, 6), int), "no dataset 'samples'"),
        ("samples", np.full((3, 4, 8, 6), np.nan), "NaN"),
        ("samples", "text", "not numbers"),
        ("slice", np.ones(2), "no numbers of 3 slice(s)"),
        ("slice", np.full(3, np.nan), "no numbers of 3 slice(s)"),
    ],
)
def test_files_that_hold_something_else(invdiff: Run, result: Path, name: str, value: object, words: str) -> None:
    broken(result, name, value)
    ran = invdiff("regions", result, *BOXES)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_a_file_that_is_none(invdiff: Run, tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("text")
    for path in (tmp_path, tmp_path / "nowhere.h5", tmp_path / "text.h5"):
        ran = invdiff("regions", path, *BOXES)
        assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_a_writers_affine_is_read(tmp_path: Path, result: Path) -> None:
    from invdiff.reconstruction import WrittenSamples

    assert WrittenSamples.of(result).affine is None
    for affine, is_one in ((np.eye(4), True), (np.eye(3), False), ("text", False)):
        with h5py.File(result, "r+") as file:
            file.attrs["affine"] = affine
        assert (WrittenSamples.of(result).affine is not None) == is_one
