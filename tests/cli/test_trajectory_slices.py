"""Scans of several slices along trajectories, from a file to a reconstruction: by turns, in planes, and of readouts of
several lengths."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import Trajectory, radial, shepp_logan, simulate_along, write_scan

QUICK = ("--method", "fast", "--set", "steps=2", "--threads", "1", "--precision", "f32", "--samples", "1", "--no-audit")
SPOKES, SAMPLES = 16, 64
IMAGE = np.stack([np.abs(shepp_logan((32, 32))), np.abs(shepp_logan((32, 32)))[::-1]])


def by_turns(path: Path) -> None:
    points = radial(2 * SPOKES, SAMPLES).points.reshape(2, SPOKES, SAMPLES, 2)
    write_scan(simulate_along(IMAGE, Trajectory(points), coils=4, noise_std=0.005), path)


def in_planes(path: Path) -> None:
    flat = radial(SPOKES, SAMPLES)
    slices = simulate_along(IMAGE, flat, coils=4, noise_std=0.005).kspace
    kspace = np.stack([slices[1] - slices[0], slices[1] + slices[0]], axis=1) / np.sqrt(2)  # kz of -1 and 0
    heights = np.broadcast_to(np.array([-1.0, 0.0])[:, None, None, None], (2, SPOKES, SAMPLES, 1))
    points = np.concatenate([np.broadcast_to(32 * flat.points, (2, SPOKES, SAMPLES, 2)), heights], axis=-1)
    with h5py.File(path, "w") as file:
        file.update({"kspace": kspace, "traj": points, "matrix": [32, 32]})


def of_lengths(path: Path) -> None:
    measured = np.arange(SAMPLES) < SAMPLES - np.arange(SPOKES)[:, None] % 3
    write_scan(
        simulate_along(IMAGE, Trajectory(radial(SPOKES, SAMPLES).points, measured), coils=4, noise_std=0.005), path
    )


@pytest.mark.parametrize("write", [by_turns, in_planes, of_lengths])
def test_they_are_solved(
    write: Callable[[Path], None], invdiff: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    path, out = tmp_path / "scan.h5", tmp_path / "out"
    write(path)
    ran = invdiff("solve", path, "--prior", folder / "prior.safetensors", "--out", out, *QUICK)
    assert ran.code == 0, ran.err
    assert "2 slice(s) of 32 x 32, 4 coils, acceleration" in ran.out
    with h5py.File(out / "reconstruction.h5") as file:
        assert file["samples"].shape == (2, 1, 32, 32)
        shown = np.abs(file["zero_filled"])
    right = [np.corrcoef(one.ravel(), image.ravel())[0, 1] for one, image in zip(shown, IMAGE, strict=True)]
    wrong = [np.corrcoef(one.ravel(), image.ravel())[0, 1] for one, image in zip(shown, IMAGE[::-1], strict=True)]
    assert min(right) > max(0.8, *wrong)
