"""Classical methods beside a result: only where they are asked for, with a bar, and as rows of a file."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", 1, "--no-audit")


def test_none_is_computed_unless_asked_for(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was not asked for")

    monkeypatch.setattr("invdiff.evaluation.contenders.best_by_truth", never)
    run = ["solve", folder / "truth.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *QUICK]
    assert invdiff(*run).code == 0
    assert not (tmp_path / "out" / "baselines.csv").exists()
    with pytest.raises(AssertionError, match="not asked for"):
        invdiff(*run, "--baseline", "cg-sense")


def test_their_scores_are_rows(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    run = ["solve", folder / "truth.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *QUICK]
    ran = invdiff(*run, "--baseline", "cg-sense", "--baseline", "zero-filled", "--baseline", "cg-sense")
    assert ran.code == 0, ran.err
    assert "cg-sense" in ran.err  # its bar
    assert "baselines.csv" in ran.out
    with (tmp_path / "out" / "baselines.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [row["image"].split(" (")[0] for row in rows] == ["zero-filled", "cg-sense", "fast, one sample"]
    assert all(float(row["psnr"]) > 0 and row["target"] for row in rows)
    for row in rows:
        assert f"{float(row['psnr']):.2f}" in ran.out


def test_what_has_no_truth_or_no_coils(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    run = ["--prior", folder / "prior.safetensors", *QUICK, "--baseline", "tv"]
    ran = invdiff("solve", folder / "denoise.npz", "--operator", "denoise", "--out", tmp_path / "a", *run)
    assert ran.code == 0
    assert "denoise.npz is no scan with a ground truth" in ran.err
    ran = invdiff("solve", folder / "denoise.npy", "--operator", "denoise", "--out", tmp_path / "c", *run)
    assert ran.code == 0
    assert "denoise.npy has no ground truth" in ran.err
    assert not (tmp_path / "c" / "baselines.csv").exists()
    ran = invdiff("solve", folder / "sense.h5", "--out", tmp_path / "b", *run[:-1], "spline")
    assert ran.code == 2
    assert "no baseline 'spline'" in ran.err
