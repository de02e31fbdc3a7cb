import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from PIL import Image

from invdiff.data import read_scan, write_scan
from invdiff.diffusion import Bound
from invdiff.files.lock import folder_lock

Run = Callable[..., Any]
QUICK = ("--set", "steps=2", "--trials", 3)


def test_with_a_truth_and_on_to_solve(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    out, prior = tmp_path / "tuned", folder / "prior.safetensors"
    options = "--method", "chung2022_complex", "--prior", prior, "--set", "steps=2", "--set", "sigma_max=2"
    ran = invdiff("tune-lambda", folder / "truth.h5", *options, "--trials", 6, "--samples", 2, "--out", out)
    assert ran.code == 0, ran.err
    visible = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    assert visible == ["best.yaml", "state.json", "surface.png", "trials.csv"]
    for words in (
        "truth.h5: 1 slice(s) of 24 x 20",
        "trial 0: lam=1: psnr ",
        "trial 5: lam=",
        "best of 6 trials: psnr",
    ):
        assert words in ran.out
    assert "100%" in ran.err
    with (out / "trials.csv").open() as file:
        rows = [*csv.DictReader(file)]
    best = max(rows, key=lambda row: float(row["psnr"]))
    assert f"the default gives {float(rows[0]['psnr']):.6g}" in ran.out
    content = yaml.safe_load((out / "best.yaml").read_text())
    assert content["method"] == "chung2022_complex"
    assert content["settings"] == {"steps": 2, "sigma_max": 2, "lam": float(best["lam"])}
    assert content["search"]["score"] == float(best["psnr"])
    assert content["search"]["prior"] == str(prior)
    with Image.open(out / "surface.png") as picture:
        picture.verify()

    solved = tmp_path / "solved"
    command = "solve", folder / "fourier.h5", "--operator", "fourier", "--prior", prior, "--samples", 1, "--out", solved
    assert invdiff(*command, "--config", out / "best.yaml").code == 0
    with h5py.File(solved / "reconstruction.h5") as file:
        assert file.attrs["method"] == "chung2022_complex"
        assert f"lam={best['lam']}" in file.attrs["sampler"]
        assert file.attrs["nfe"] == 4
    other = "--set", "lam=0.25", "--method", "chung2022_real", "--force"
    assert invdiff(*command, "--config", out / "best.yaml", *other).code == 0
    with h5py.File(solved / "reconstruction.h5") as file:
        assert file.attrs["method"] == "chung2022_real"  # what the command line says wins
        assert "lam=0.25" in file.attrs["sampler"]


def test_without_a_truth(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for name in "ab":
        (files / f"{name}.h5").write_bytes((folder / "sense.h5").read_bytes())
    ran = invdiff(
        "tune-lambda", files, "--prior", folder / "prior.safetensors", "--param",
        "noise_floor:0.001:0.1:log", "--param", "eta:0:1", "--out", tmp_path / "out", *QUICK,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    search = yaml.safe_load((tmp_path / "out" / "best.yaml").read_text())["search"]
    assert search["objective"] == "held-back"  # told by the data
    assert search["space"] == {"noise_floor": [0.001, 0.1, "log"], "eta": [0.0, 1.0, "linear"]}
    assert [text.split()[0] for text in search["measurements"]] == ["a.h5", "b.h5"]


def test_undersampling_makes_a_truth(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "full.npz", kspace=rng.standard_normal((1, 24, 20)) + 1j * rng.standard_normal((1, 24, 20)))
    options = "--operator", "fourier", "--undersample", "random", "--acceleration", 2, "--out", tmp_path / "out"
    prior = "--prior", folder / "prior.safetensors"
    ran = invdiff("tune-lambda", tmp_path / "full.npz", *options, *prior, *QUICK, "--objective", "nmse")
    assert ran.code == 0, ran.err
    assert "acceleration 2.00" in ran.out


def test_an_interrupted_search_goes_on(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prior, out = folder / "prior.safetensors", tmp_path / "out"
    command = "tune-lambda", folder / "truth.h5", "--prior", prior, "--out", out, *QUICK
    draw, left = Bound.draw, 2

    def interrupted(self: Bound, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return draw(self, *args, **kwargs)

    monkeypatch.setattr(Bound, "draw", interrupted)
    ran = invdiff(*command)
    assert ran.code == 130
    assert f"2 trials are in {out}; the same command goes on" in ran.err
    assert "Traceback" not in ran.err
    kept = json.loads((out / "state.json").read_text())["trials"]
    left = 1  # the third trial alone is left to try
    assert invdiff(*command).code == 0
    assert json.loads((out / "state.json").read_text())["trials"][:2] == kept
    ran = invdiff(*command, "--samples", 4)
    assert ran.code == 2
    assert "belongs to another search: its samples is 1, not 4" in ran.err


def test_one_search_at_a_time_in_a_folder(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    command = "tune-lambda", folder / "truth.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, *QUICK
    with folder_lock(tmp_path / ".search.lock"):
        ran = invdiff(*command)
        assert ran.code == 2
        assert "Another process is at work" in ran.err
        assert [path.name for path in tmp_path.iterdir()] == [".search.lock"]
    assert invdiff(*command).code == 0


def test_trials_side_by_side_and_a_document(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    prior, options = folder / "prior.safetensors", ("--parallel", 2, "--param", "eta:0:1", "--json", *QUICK)
    ran = invdiff("tune-lambda", folder / "truth.h5", "--prior", prior, "--out", tmp_path, *options, "--trials", 2)
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    trials = json.loads((tmp_path / "state.json").read_text())["trials"]
    best = max(trials, key=lambda trial: trial["score"])
    assert [trial["failure"] for trial in trials] == ["", ""]
    assert document["best"] == {"objective": "psnr", "score": best["score"], "parameters": best["parameters"]}
    assert document["trials"] == 2


BAD_INPUT = [
    (["--param", "lam:0:1"], "fast has no parameter lam"),
    (["--method", "song2021", "--param", "lam:0:1.5"], "from 0 to 1"),
    (["--param", "eta:0.5:0.5"], "must rise"),
    (["--param", "magic"], "NAME:LOW:HIGH"),
    (["--param", "eta:0:1", "--param", "eta:0:0.5"], "two ranges"),
    (["--param", "steps:1:5"], "both searched and set"),
    (["--param", "eta:0:2"], "from 0 to 1"),
    (["--method", "magic"], "no method 'magic'"),
    (["--objective", "taste"], "no objective 'taste'; there are psnr, ssim, nmse"),
    (["--by", "taste"], "judges by truth or held-back, not 'taste'"),
    (["--by", "held-back", "--objective", "ssim"], "ssim is held against a truth, so it goes with --by truth"),
    (["--param", "noise_times:0:2"], "multiplies the noise level, so it is positive"),
    (["--operator", "spiral"], "no operator 'spiral'"),
    (["--set", "magic=1"], "no parameter magic"),
    (["--set", "eta"], "KEY=VALUE"),
    (["--undersample", "spiral"], "no mask 'spiral'"),
    (["--prior", "{folder}/nowhere.pt"], "not a file"),
    (["--prior", "{folder}/one.safetensors", "--set", "signal=two"], "network 2 channel(s)"),
    (["--out", "{folder}/truth.h5"], "can't be made"),
    (["{folder}/sense.h5", "--by", "truth"], "sense.h5 has no ground truth, which the objective psnr needs"),
    (["{folder}/sense.h5", "--objective", "nmse"], "sense.h5 has no ground truth, which the objective nmse needs"),
    (["{folder}/nowhere.h5"], "does not exist"),
    (["{tmp}/empty"], "holds no .h5, .hdf5"),
    (["{tmp}/full.h5", "--by", "held-back"], "nothing is sampled outside the calibration region"),
]


@pytest.mark.parametrize(("options", "words"), BAD_INPUT)
def test_bad_input(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    def computed(*_: object, **__: object) -> None:
        pytest.fail("something was computed")

    monkeypatch.setattr(Bound, "draw", computed)
    (tmp_path / "empty").mkdir()
    scan = read_scan(folder / "truth.h5")
    write_scan(replace(scan, kspace=scan.kspace + 1e-6, mask=None), tmp_path / "full.h5")
    given = [option.format(folder=folder, tmp=tmp_path) for option in options]
    files = [] if given[0].startswith(("/", str(tmp_path))) else [folder / "truth.h5"]
    prior = "--prior", folder / "prior.safetensors"
    ran = invdiff("tune-lambda", *files, *prior, "--out", tmp_path / "out", *QUICK, *given)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.startswith("invdiff: ")
    assert ran.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full.h5"]


def test_a_configuration_that_is_none(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    for content, words in (
        ("method: fast\nmagic: 1", "there is no field 'magic'"),
        ("method: magic", "no method 'magic'"),
    ):
        path.write_text(content)
        ran = invdiff("solve", folder / "sense.h5", "--config", path, "--out", tmp_path / "out")
        assert ran.code == 2
        assert words in ran.err
        assert ran.err.count("\n") == 1
        assert not (tmp_path / "out").exists()
