"""Radial and spiral scans from `simulate` to `solve`, and what is refused on the way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import NonCartesianScan, open_scan, shepp_logan

QUICK = ("--method", "fast", "--set", "steps=2", "--threads", "1", "--precision", "f32")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    np.save(tmp_path / "image.npy", np.abs(shepp_logan((32, 32))))
    return tmp_path / "image.npy"


@pytest.mark.parametrize("kind", [("radial", "--spokes", 24), ("spiral", "--interleaves", 6, "--acceleration", 2)])
def test_simulate_and_solve(
    kind: tuple[Any, ...], invdiff: Callable[..., Any], folder: Path, image: Path, tmp_path: Path
) -> None:
    path, out = tmp_path / "scan.h5", tmp_path / "out"
    made = invdiff("simulate", image, "--out", path, "--trajectory", *kind, "--coils", 4, "--delay", 0.1)
    assert made.code == 0, made.err
    assert f"{kind[2]} readouts of" in made.out + made.err
    with h5py.File(path, "r+") as file:
        del file["sensitivity_maps"], file["noise_std"], file["ground_truth"]
    ran = invdiff("solve", path, "--prior", folder / "prior.safetensors", "--out", out, *QUICK, "--samples", 2)
    assert ran.code == 0, ran.err
    assert "32 x 32, 4 coils, acceleration" in ran.out
    assert "what no image explains" in ran.out
    assert "audit:" in ran.out
    with h5py.File(out / "reconstruction.h5") as file:
        assert file.attrs["operator"] == "F(k) S"
        assert file["samples"].shape == (1, 2, 32, 32)
        assert np.abs(file["zero_filled"]).max() > 0.1


def test_spokes_by_the_acceleration(invdiff: Callable[..., Any], image: Path, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    assert invdiff("simulate", image, "--out", path, "--trajectory", "radial", "--acceleration", 2).code == 0
    scan = open_scan(path)
    assert isinstance(scan, NonCartesianScan)
    assert (scan.trajectory.readouts, scan.trajectory.samples) == (26, 64)  # pi / 2 times 32, over 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--trajectory", "radial", "--mask", "random"), "leave it out beside --trajectory"),
        (("--trajectory", "rosette"), "choose radial or spiral"),
        (("--trajectory", "radial", "--interleaves", 3), "leave out those of the other"),
        (("--trajectory", "radial", "--acceleration", "nan"), "positive number"),
        (("--trajectory", "spiral", "--acceleration", 0.5), "one or more"),
        (("--spokes", 3), "are of a --trajectory"),
        (("--trajectory", "radial", "--delay", "nan"), "finite"),
    ],
)
def test_what_can_not_be_simulated(
    options: tuple[Any, ...], said: str, invdiff: Callable[..., Any], image: Path, tmp_path: Path
) -> None:
    ran = invdiff("simulate", image, "--out", tmp_path / "scan.h5", *options)
    assert ran.code == 2
    assert said in " ".join((ran.out + ran.err).split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--undersample", "random"), "leave out --mask and --undersample"),
        (("--axes", "coil,y,x"), "leave out --axes"),
        (("--operator", "denoise"), "no dataset 'image'"),
    ],
)
def test_what_can_not_be_solved(
    options: tuple[Any, ...], said: str, invdiff: Callable[..., Any], folder: Path, image: Path, tmp_path: Path
) -> None:
    path = tmp_path / "scan.h5"
    assert invdiff("simulate", image, "--out", path, "--trajectory", "radial", "--spokes", 20, "--coils", 2).code == 0
    ran = invdiff("solve", path, "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *options)
    assert ran.code == 2
    assert said in " ".join((ran.out + ran.err).split())
