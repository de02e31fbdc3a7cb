"""What another run left is replaced with --force alone, by every command; the same run may be given again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.reconstruction import run_record
from tests.reconstruction.writers.results import marked, written

Run = Callable[..., Any]


@pytest.fixture
def commands(folder: Path, tmp_path: Path) -> dict[str, tuple[list[Any], list[Any], Path]]:
    """By name of a command: a run, what makes it another one, and the file that it writes."""
    np.save(tmp_path / "image.npy", np.outer(np.arange(16), np.arange(16)))
    result, out = written(marked(), tmp_path), tmp_path / "out"
    prior = folder / "prior.safetensors"
    of_prior = ["--prior", prior, "--precision", "f32", "--out", out]
    lesion = ["--at", "8,9", "--size", "3px", "--samples", 0, "--set", "steps=2"]
    table = tmp_path / "of-regions.csv"
    small = ["--short", "--budget", 4, "--samples", 20, "--draws", 1, "--out", out]
    return {
        "sample": (["--samples", 2, "--size", 16, "--set", "steps=2", *of_prior], ["--seed", 1], out / "samples.h5"),
        "detect": ([folder / "sense.h5", *lesion, *of_prior], ["--contrast", 0.3], out / "detect.csv"),
        "verify": (["dds", *small], ["--seed", 1], out / "verdicts.csv"),
        "simulate": ([tmp_path / "image.npy", "--out", tmp_path / "scan.h5"], ["--seed", 1], tmp_path / "scan.h5"),
        "convert": ([prior, tmp_path / "prior.pt"], [], tmp_path / "prior.pt"),
        "regions": ([result, "--region", "a=0:2,0:2", "--out", table], ["--region", "b=1:3,1:3"], table),
        "export": ([result, tmp_path / "out.npy"], [], tmp_path / "out.npy"),
        "report": ([result], [], tmp_path / "report.html"),
    }


NAMES = ("sample", "detect", "verify", "simulate", "convert", "regions", "export", "report")


def another(name: str, commands: dict[str, Any], folder: Path, tmp_path: Path) -> list[Any]:
    """A run that would write something else to the same place."""
    run, more, _ = commands[name]
    if name == "convert":
        return [folder / "one.safetensors", *run[1:]]
    if name in ("export", "report"):  # the same command of another result
        written(marked(1), tmp_path)
    return [*run, *more]


@pytest.mark.parametrize("name", NAMES)
def test_another_run_is_refused_without_force(
    invdiff: Run, commands: dict[str, Any], folder: Path, tmp_path: Path, name: str
) -> None:
    run, _, place = commands[name]
    assert invdiff(name, *run).code in (0, 1)  # what was verified may be wrong
    before = place.read_bytes()
    assert invdiff(name, *run).code in (0, 1)
    assert place.read_bytes() == before
    other = another(name, commands, folder, tmp_path)
    ran = invdiff(name, *other)
    assert ran.code == 2, ran.err
    assert str(place) in ran.err
    assert "--force" in ran.err
    assert ran.err.count("\n") == 1
    assert place.read_bytes() == before
    assert invdiff(name, *other, "--force").code in (0, 1)
    assert place.read_bytes() != before
    assert not list(tmp_path.rglob(".invdiff-writing*"))


def test_the_table_beside_a_result_is_of_the_last_question(invdiff: Run, tmp_path: Path) -> None:
    result = written(marked(), tmp_path)
    for name in ("a", "b"):
        assert invdiff("regions", result, "--region", f"{name}=0:2,0:2").code == 0
        assert f",{name}," in (tmp_path / "regions.csv").read_text()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("sample", ["--seed", 1], "the seed was 0, not 1"),
        ("sample", ["--size", "16x8"], "the size was 16x16, not 16x8"),
        ("sample", ["--samples", 3], "the number drawn was 2, not 3"),
        ("sample", ["--set", "steps=3"], "its parameters were steps=2, not steps=3"),
        ("detect", ["--seed", 1], "the seed was 0, not 1"),
        ("detect", ["--method", "fast", "--samples", 1], "the method was estimate, not fast"),
        ("detect", ["--contrast", 0.3], "the command was invdiff detect INPUT "),
        ("verify", ["fast"], "the method was dds, not dds fast"),
        ("verify", ["--set", "gamma=2"], "the command was invdiff verify INPUT "),
    ],
)
def test_what_differs_is_said(
    invdiff: Run, commands: dict[str, Any], name: str, options: list[Any], words: str
) -> None:
    run = commands[name][0]
    assert invdiff(name, *run).code in (0, 1)
    ran = invdiff(name, *run, *options)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "holds the result of another run: " in ran.err
    assert words in ran.err


@pytest.mark.parametrize("record", [None, "{", "[]", "[" * 10**5, "9" * 2**21])
def test_a_table_of_which_nothing_tells_how_it_was_made_stays(
    invdiff: Run, commands: dict[str, Any], record: str | None
) -> None:
    run, _, table = commands["detect"]
    table.parent.mkdir()
    table.write_text("mine")
    if record is not None:
        (table.parent / "run.json").write_text(record)
    ran = invdiff("detect", *run)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "nothing beside it says how it was made" in ran.err
    assert table.read_text() == "mine"
    assert invdiff("detect", *run, "--force").code == 0


def test_the_scan_is_told_by_its_numbers(invdiff: Run, commands: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    """Another scan of the same name is another scan."""
    (_, *rest), _, table = commands["detect"]
    (scan := tmp_path / "sense.h5").write_bytes((folder / "sense.h5").read_bytes())
    assert invdiff("detect", scan, *rest).code == 0
    assert json.loads((table.parent / "run.json").read_text())["input"].endswith("sense.h5")
    scan.write_bytes((folder / "truth.h5").read_bytes())
    assert "the scan's numbers were" in invdiff("detect", scan, *rest).err


def test_a_report_follows_its_result(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    """A list of reports, and the link to it, are no other report."""
    for name in "ab":
        (tmp_path / name).mkdir()
        written(marked(), tmp_path / name)
    assert invdiff("report", tmp_path / "a").code == 0
    assert invdiff("report", tmp_path).code == 0
    assert 'href="../index.html"' in (tmp_path / "a" / "report.html").read_text()
    assert invdiff("report", tmp_path / "a", tmp_path / "b").code == 0


def test_what_is_refused_is_named_as_the_user_knows_it(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    ran = invdiff("convert", folder / "prior.safetensors", tmp_path / "prior.bin")
    assert f"{tmp_path / 'prior.bin'} can't be written: its name should end in" in ran.err


@pytest.mark.parametrize("name", ["detect", "verify"])
def test_no_table_is_there_before_its_record(
    invdiff: Run, commands: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Beside which nothing would say how it was made, so that the same command would be refused."""

    def full(*_: Any) -> None:
        raise InputError("There is no room.")

    run, _, place = commands[name]
    monkeypatch.setattr(run_record, "write_record", full)
    ran = invdiff(name, *run)
    assert ran.code == 2
    assert "There is no room." in ran.err
    assert not place.exists()
