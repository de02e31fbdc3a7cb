"""`invdiff evaluate` with several priors: each method with each, told apart in rows and tables."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[..., Any]
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", 1, "--acceleration", 2, "--centre-fraction", 0.3)


def test_each_method_with_each_prior(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    np.save(tmp_path / "images" / "image.npy", np.pad(np.ones((12, 10)), 6))
    priors = [folder / "prior.safetensors", folder / "one.safetensors"]
    run = ["evaluate", tmp_path / "images", "--out", tmp_path / "out", *QUICK, "--prior", priors[0]]
    assert invdiff(*run).code == 0
    ran = invdiff(*run, "--prior", priors[1], "--prior", priors[0])
    assert ran.code == 0, ran.err
    assert "1 row(s) are in" in ran.out  # those of the first prior, which is asked for again
    with (tmp_path / "out" / "scores.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [(row["method"], row["prior"]) for row in rows] == [("fast", str(prior)) for prior in priors]
    assert rows[0]["psnr"] != rows[1]["psnr"]
    assert ran.out.count("fast, ") == 2


def test_a_prior_beside_a_baseline_is_run(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    np.save(tmp_path / "images" / "image.npy", np.pad(np.ones((12, 10)), 6))
    run = ["evaluate", tmp_path / "images", "--out", tmp_path / "out", *QUICK[2:], "--baseline", "zero-filled"]
    assert invdiff(*run, "--prior", folder / "prior.safetensors").code == 0
    with (tmp_path / "out" / "scores.csv").open(newline="") as file:
        assert [row["method"] for row in csv.DictReader(file)] == ["zero-filled", "estimate"]
