"""``invdiff verify``: verdicts, files and exit codes."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
QUICK = ("--short", "--budget", 4, "--samples", 20, "--draws", 1, "--seed", 3)


@pytest.fixture
def right(tmp_path: Path) -> str:
    """A file that tests may ask for: its method is right where nothing but denoising is asked for."""
    return f"{Path(__file__).parents[1] / 'verification' / 'twins.py'}:langevin"


def test_a_wrong_method_is_told_and_the_rest_is_there(invdiff: Run, tmp_path: Path) -> None:
    ran = invdiff("verify", "fast", "mc_ddpm", *QUICK, "--out", tmp_path / "out")
    assert ran.code == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["run.json", "verdicts.csv", "verdicts.png"]
    assert "0 of 7" in ran.out
    assert "not judged" in ran.out
    assert ran.out.splitlines()[-1].startswith(f"wrote {tmp_path / 'out' / 'verdicts.csv'}")
    with (tmp_path / "out" / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["fast"] * 7 + ["mc_ddpm"] * 7
    assert {row["calls"] for row in rows} == {"4", "0"}


def test_a_right_method_ends_well(invdiff: Run, tmp_path: Path, right: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from invdiff.verification import SHORT, ExactProblem

    monkeypatch.setattr("invdiff.verification.SHORT", (ExactProblem("circulant", "inpainting", 0.3),))
    assert len(SHORT) == 7
    few = ("--short", "--samples", 40)
    ran = invdiff(
        "verify", right, "mc_ddpm", *few, "--budget", 20, "--budget", 300, "--out", tmp_path / "out", "--json"
    )
    found = json.loads(ran.out)
    assert (ran.code, found["exit_status"], found["wrong"]) == (0, 0, [])
    assert [row["verdict"] for row in found["rows"]] == ["wrong", "right", "not judged", "not judged"]
    assert invdiff("verify", right, *few, "--budget", 20, "--out", tmp_path / "out", "--force").code == 1


def test_parameters(invdiff: Run, tmp_path: Path) -> None:
    def bias(*options: object) -> list[str]:
        ran = invdiff("verify", "fast", *QUICK, "--out", tmp_path / "out", "--json", "--force", *options)
        return [row["measured"] for row in json.loads(ran.out)["rows"]]

    plain = bias()
    assert bias("--set", "eta=0.1") != plain
    assert bias("--set", "fast.eta=1.0") == plain


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("mc_ddpm",), "No method could be judged: The view UnsampledKspace needs"),
        (("fastt",), "There is no method 'fastt'"),
        (("mine.py:f",), "there is no file of 'mine.py:f'"),
        (("fast", "--set", "lam=3"), "a parameter 'lam'"),
        (("fast", "--set", "steps=3"), "leave steps out"),
    ],
)
def test_refusals_are_a_sentence(invdiff: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    ran = invdiff("verify", *arguments, *QUICK, "--quiet", "--out", tmp_path / "out")
    assert ran.code == 2
    assert sentence in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "Traceback" not in ran.err


def test_numbers_out_of_range_are_refused(invdiff: Run, tmp_path: Path) -> None:
    for option in ("--budget", "--samples", "--draws"):
        assert invdiff("verify", "fast", option, 0, "--out", tmp_path / "out").code == 2
    assert not (tmp_path / "out").exists()


def test_the_folder_of_another_command_is_left_alone(invdiff: Run, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("", encoding="utf-8")
    ran = invdiff("verify", "fast", *QUICK, "--out", tmp_path)
    assert ran.code == 2
    assert "holds scores.csv of `invdiff evaluate`" in ran.err
