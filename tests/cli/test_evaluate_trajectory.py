"""Scans along trajectories beside others in `evaluate` and `tune-lambda`, and classical methods beside them."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import open_scan, radial, shepp_logan, simulate_along, spiral, write_scan
from invdiff.metrics import psnr
from invdiff.reconstruction import scan_cases

Run = Callable[..., Any]
PHANTOM = np.abs(shepp_logan((32, 32)))
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", 1, "--threads", 1, "--precision", "f32")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two radial scans, a spiral, and an image."""
    folder = tmp_path_factory.mktemp("scans")
    for name, trajectory in (("a", radial(20, 64)), ("b", radial(20, 64)), ("c", spiral(4, 32, 2, 0.3))):
        write_scan(simulate_along(PHANTOM, trajectory, coils=3, noise_std=0.01), folder / f"{name}.h5")
    np.save(folder / "image.npy", PHANTOM)
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [*csv.DictReader(file)]


def test_methods_are_scored_on_scans_as_they_were_measured(
    invdiff: Run, folder: Path, scans: Path, tmp_path: Path
) -> None:
    run = ["evaluate", scans, "--prior", folder / "prior.safetensors", "--out", tmp_path, "--mask", "random", *QUICK]
    ran = invdiff(*run, "--acceleration", 2, "--baseline", "zero-filled", "--baseline", "cg-sense")
    assert ran.code == 0, ran.err
    rows = rows_of(tmp_path / "scores.csv")
    masks = {(row["file"], row["mask"]) for row in rows}
    assert {("a.h5", "20 readouts of 64"), ("b.h5", "20 readouts of 64"), ("image.npy", "random")} < masks
    assert len(masks) == 4
    assert len(rows) == 4 * 3
    begun = next(row for row in rows if (row["file"], row["method"]) == ("a.h5", "zero-filled"))
    cases = scan_cases(open_scan(scans / "a.h5"), "non-cartesian")
    assert float(begun["psnr"]) == pytest.approx(psnr(cases.ground_truth, cases.zero_filled), abs=1e-3)
    assert float(begun["achieved_acceleration"]) == pytest.approx(cases.sampled.size / cases.sampled.sum(), abs=1e-3)
    by = {row["method"]: float(row["psnr"]) for row in rows if row["file"] == "a.h5"}
    assert by["cg-sense"] > by["zero-filled"] + 1
    assert "20 readouts of 64" in ran.out
    assert (tmp_path / "psnr.png").exists()
    before = (tmp_path / "scores.csv").read_bytes()
    assert invdiff(*run, "--acceleration", 2, "--baseline", "cg-sense").code == 0
    assert (tmp_path / "scores.csv").read_bytes() == before


def test_what_can_not_be_scored(invdiff: Run, scans: Path, tmp_path: Path) -> None:
    for options in (("--mask", "random"), ("--acceleration", 4)):
        ran = invdiff("evaluate", scans / "a.h5", "--baseline", "tv", "--out", tmp_path / "out", *options)
        assert ran.code == 2
        assert "leave out --mask and --acceleration" in " ".join(ran.err.split())
    path = tmp_path / "bare.h5"
    path.write_bytes((scans / "a.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        del file["ground_truth"]
    ran = invdiff("evaluate", path, "--baseline", "tv", "--out", tmp_path / "out")
    assert ran.code == 2
    assert "bare.h5 was measured along a trajectory and has no ground truth" in " ".join(ran.err.split())


def test_a_search_by_the_truth_and_by_readouts_held_back(
    invdiff: Run, folder: Path, scans: Path, tmp_path: Path
) -> None:
    run = ["tune-lambda", scans / "a.h5", "--prior", folder / "prior.safetensors", "--set", "steps=2", "--trials", 2]
    ran = invdiff(*run, "--out", tmp_path / "by-truth")
    assert ran.code == 0, ran.err
    assert "psnr" in ran.out
    ran = invdiff(*run, "--out", tmp_path / "held-back", "--by", "held-back")
    assert ran.code == 0, ran.err
    assert "held-back" in ran.out


def test_baselines_beside_a_result(invdiff: Run, folder: Path, scans: Path, tmp_path: Path) -> None:
    run = ["solve", scans / "a.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, *QUICK, "--no-audit"]
    ran = invdiff(*run, "--baseline", "tv", "--baseline", "l1-wavelet")
    assert ran.code == 0, ran.err
    rows = rows_of(tmp_path / "baselines.csv")
    assert [row["image"].split(" (")[0] for row in rows] == ["gridded", "tv", "l1-wavelet", "fast, one sample"]
    assert all(float(row["psnr"]) > float(rows[0]["psnr"]) for row in rows[1:3])


def test_a_report_shows_the_trajectory(invdiff: Run, folder: Path, scans: Path, tmp_path: Path) -> None:
    run = ["solve", scans / "c.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, *QUICK, "--no-audit"]
    ran = invdiff(*run, "--report")
    assert ran.code == 0, ran.err
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        trajectory = open_scan(scans / "c.h5").trajectory
        np.testing.assert_allclose(file["density"], trajectory.density((32, 32)))
    assert "along a trajectory: the denser, the brighter" in (tmp_path / "report.html").read_text()
    for wrong, words in ((np.full((3, 3), np.nan), "none of samples"), (np.ones((3, 3), int), "density has shape")):
        with h5py.File(tmp_path / "reconstruction.h5", "r+") as file:
            del file["density"]
            file["density"] = wrong
        ran = invdiff("report", tmp_path)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert words in ran.err
