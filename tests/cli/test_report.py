"""``invdiff report`` and ``solve --report``: pages beside results, and what is in files of strangers."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.reconstruction import Reconstruction
from tests.pictures.reports import HOSTILE
from tests.pictures.test_report import read, told
from tests.reconstruction.writers.results import marked, written

Run = Callable[..., Any]
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", "2", "--threads", "1", "--no-audit", "--precision", "f32")
AUDIT = {
    "audit_factor": 1.4,
    "audit_verdict": "error bars were 1.4 times too small",
    "audit_band_radius": "[0.1, 0.3]",
    "audit_band_factor": "[1.2, 1.5]",
    "audit_band_uncertainty": "[0.1, Infinity]",
    "audit_residual_by_coil_and_band": "[[1.0, 1.1], [0.9, 1.2]]",
}


def changed(result: Path, **attributes: object) -> None:
    with h5py.File(result, "r+") as file:
        file.attrs.update(attributes)


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return written(marked(), tmp_path)


def test_solve_writes_reports_of_a_study_and_an_index(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.h5", "b & c.h5"):
        shutil.copy(folder / "sense.h5", tmp_path / "in" / name)
    prior = ("--prior", folder / "prior.safetensors")
    ran = invdiff("solve", tmp_path / "in", *prior, *QUICK, "--out", tmp_path / "out", "--report", "--map-sets", 1)
    assert ran.code == 0, ran.err
    index = tmp_path / "out" / "index.html"
    assert f"wrote {index}: 2 report(s)" in ran.out
    assert [link["href"] for link in read(index).of("a")] == ["a/report.html", "b%20%26%20c/report.html"]
    page = tmp_path / "out" / "b & c" / "report.html"
    reader = read(page)
    assert reader.of("a")[0]["href"] == "../index.html"
    assert [attributes for attributes in reader.of("img") if attributes.get("class") == "mask"]
    command = next(text for place, text in reader.texts if place == "pre")
    words = shlex.split(command)
    assert words[:3] == ["invdiff", "solve", "b & c.h5"]
    assert {"--method", "--set", "steps=2", "--no-audit", "--map-sets"} <= set(words)
    assert not {"--out", "--report", "--threads"} & set(words)
    one = next(told(page))
    assert len(one["samples"]) == 2
    with h5py.File(page.with_name("reconstruction.h5")) as file:
        assert file["sampled"].shape == file["image"].shape[1:]
        assert 0 < np.mean(file["sampled"][()]) < 1


def test_results_that_are_there(invdiff: Run, result: Path, tmp_path: Path) -> None:
    changed(result, **AUDIT, warnings="look\nhere", failed=json.dumps({"it diverged": [1]}))
    ran = invdiff("report", tmp_path, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["results"] == [str(result)]
    page = tmp_path / "report.html"
    reader = read(page)
    shown = [text for _, text in reader.texts]
    assert {"look", "here", "slice 1: it diverged", "error bars were 1.4 times too small"} <= set(shown)
    assert len(reader.of("polyline")) == 2
    assert [one["number"] for one in told(page)] == [7, 8, 9]
    assert not (tmp_path / "index.html").exists()
    assert invdiff("report", result).code == 0  # again, in the place of the first


def test_scores_and_errors_are_against_the_truth(invdiff: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 2, (2, 16, 12)).astype(np.complex64)
    truth[1] = 0  # an empty slice has no scores
    made = Reconstruction(truth[:, None] * 1.01, truth * 0.5, truth, {"target": "the file's"})
    made.write(tmp_path / "reconstruction.h5")
    assert invdiff("report", tmp_path).code == 0
    full, empty = told(tmp_path / "report.html")
    assert full["images"] == ["zero-filled", "mean of samples", "truth"]
    assert [row[0] for row in full["scores"]] == ["zero-filled", "mean of samples"]
    assert float(full["scores"][1][1]) > 35
    assert empty["scores"] == []
    assert "against the file&#x27;s" in (tmp_path / "report.html").read_text()


def test_attributes_of_strangers_are_text(invdiff: Run, result: Path, tmp_path: Path) -> None:
    invdiff("report", tmp_path)
    scripts = len(read(tmp_path / "report.html").of("script"))
    text = HOSTILE.replace("\udc80", "")
    failed = json.dumps({text: [text]})
    changed(result, input=text, method=text, warnings=text, failed=failed, audit_verdict=text, target=text, other=text)
    ran = invdiff("report", tmp_path)
    assert ran.code == 0, ran.err
    reader = read(tmp_path / "report.html")
    assert len(reader.of("script")) == scripts
    assert not [attributes for _, attributes in reader.elements if "onerror" in attributes]


@pytest.mark.parametrize("command", ["rm -rf x", "invdiff solve 'x", "invdiff; rm x", "invdiff report"])
def test_a_command_that_is_not_ours_is_not_offered(invdiff: Run, result: Path, tmp_path: Path, command: str) -> None:
    changed(result, command=command)
    assert invdiff("report", tmp_path).code == 0
    assert read(tmp_path / "report.html").of("pre") == []


def test_what_follows_a_command_is_quoted(invdiff: Run, result: Path, tmp_path: Path) -> None:
    changed(result, command="invdiff solve INPUT; rm -rf $HOME & `x`", input="a; b")
    assert invdiff("report", tmp_path).code == 0
    command = next(text for place, text in read(tmp_path / "report.html").texts if place == "pre")
    assert command == "invdiff solve 'INPUT;' rm -rf '$HOME' '&' '`x`'"


def test_one_that_is_damaged_stops_no_other(invdiff: Run, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        written(marked(), tmp_path / name)
    (tmp_path / "b" / "reconstruction.h5").write_text("text")
    ran = invdiff("report", tmp_path)
    assert ran.code == 3
    assert "warning: " in ran.err
    assert [link["href"] for link in read(tmp_path / "index.html").of("a")] == ["a/report.html", "c/report.html"]
    assert not (tmp_path / "b" / "report.html").exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("audit_band_radius", "[1, [2]]", "audit_band_radius holds no list of numbers"),
        ("audit_band_factor", '["x"]', "audit_band_factor holds no list of numbers"),
        ("audit_band_factor", "[1, 2, 3]", "of different bands"),
        ("audit_band_factor", "[1, Infinity]", "NaN or infinity"),
        ("audit_band_radius", "NaN", "holds no list of numbers"),
        ("audit_residual_by_coil_and_band", "[" * 5000, "holds no JSON"),
        ("failed", "{", "failed holds no JSON"),
        ("sampled", np.ones(3), "sampled has shape"),
        ("image", np.full((3, 4, 4), np.nan, np.complex64), "shape|NaN"),
    ],
)
def test_damage_is_a_sentence(invdiff: Run, result: Path, tmp_path: Path, name: str, value: Any, words: str) -> None:
    changed(result, **AUDIT)
    with h5py.File(result, "r+") as file:
        if isinstance(value, str):
            file.attrs[name] = value
        else:
            file.pop(name, None)
            file[name] = value
    ran = invdiff("report", tmp_path)
    assert ran.code == 2
    assert re.search(words, ran.err)
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["reconstruction.h5"]


def test_refusals(invdiff: Run, result: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copy(result, tmp_path / "b.h5")
    (tmp_path / "report.html").write_text("mine")
    for arguments, words in (
        ((tmp_path / "empty",), "holds no reconstruction.h5"),
        ((tmp_path / "nowhere.h5",), "does not exist"),
        ((result, tmp_path / "b.h5"), "Two of the results are in"),
        ((result,), "is no report of invdiff"),
    ):
        ran = invdiff("report", *arguments)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert words in ran.err
    assert (tmp_path / "report.html").read_text() == "mine"
    assert invdiff("solve", "--out", "-", "--report").code == 2


def test_images_that_are_large_are_refused_before_they_are_read(invdiff: Run, tmp_path: Path) -> None:
    marked().result.write(tmp_path / "reconstruction.h5")
    with h5py.File(tmp_path / "reconstruction.h5", "r+") as file:
        file.create_dataset("sampled", (10**6, 10**6), bool, chunks=(10**3, 10**3))
    ran = invdiff("report", tmp_path)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
