"""``invdiff solve`` and ``evaluate`` of slices as volumes."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced

SHAPE, COUNT = (24, 20), 5
MASK = equispaced(SHAPE, 2, 8)
FADING = np.linspace(1, 0.8, COUNT)[:, None, None] * shepp_logan(SHAPE)
PLANES = ("--signal", "alternating-planes", "--set", "steps=3")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom that fades along z."""
    path = tmp_path_factory.mktemp("volume") / "volume.h5"
    write_scan(simulate(FADING, coils=2, mask=MASK, noise_std=0.01), path)
    return path


def test_a_volume_is_an_option_and_its_result_is_slices(
    invdiff: Callable[..., Any], folder: Path, path: Path, tmp_path: Path
) -> None:
    solve = ("solve", path, "--prior", folder / "prior.safetensors", "--samples", "2", "--threads", "1", *PLANES)
    told = invdiff(*solve, "--out", tmp_path, "--dry-run")
    assert told.code == 0, told.err
    ran = invdiff(*solve, "--out", tmp_path)
    assert ran.code == 0, ran.err
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        assert file["estimate"].shape == (COUNT, *SHAPE)
        assert file["samples"].shape == (COUNT, 2, *SHAPE)
        assert "AlternatingPlanes" in file.attrs["sampler"]
        assert "AlternatingPlanes" not in file.attrs["samples_sampler"]
        assert "lee2023" in file.attrs["citations"] or "Lee" in file.attrs["citations"]


def test_samples_of_a_method_are_volumes_too(
    invdiff: Callable[..., Any], folder: Path, path: Path, tmp_path: Path
) -> None:
    common = ("--prior", folder / "prior.safetensors", "--samples", "2", "--method", "fast", *PLANES)
    ran = invdiff("solve", path, "--out", tmp_path, *common)
    assert ran.code == 0, ran.err
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        samples = file["samples"][()]
    assert samples.any(axis=(2, 3)).all()
    assert (samples[:, 0] != samples[:, 1]).any(axis=(1, 2)).all()


def test_a_single_slice_is_no_volume(invdiff: Callable[..., Any], folder: Path, path: Path, tmp_path: Path) -> None:
    ran = invdiff(
        "solve", path, "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", "--slices", "3", *PLANES
    )
    assert ran.code == 2
    assert "Slice 3 has no neighbour" in ran.err
    assert "leave alternating-planes out" in ran.err


def test_several_map_sets_are_no_volume(invdiff: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "volume.h5"
    scan = simulate(np.stack([shepp_logan(SHAPE)] * 3), coils=3, mask=equispaced(SHAPE, 2, 12), noise_std=0.01)
    scan = scan.changed(maps=None)
    write_scan(scan, path)
    ran = invdiff(
        "solve", path, "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", "--map-sets", "2", *PLANES
    )
    assert ran.code == 2
    assert "AlternatingPlanes needs an image (D, H, W) of one map set" in ran.err


def test_volumes_are_compared_as_slices_are(invdiff: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "full.h5"
    write_scan(simulate(FADING, coils=2, noise_std=0.01), path)
    common = ("--prior", folder / "prior.safetensors", "--samples", "1", "--threads", "1", "--acceleration", "2")
    chosen = ("--method", "estimate", "--set", "estimate.signal=alternating-planes", "--set", "steps=3")
    ran = invdiff("evaluate", path, "--out", tmp_path, *common, *chosen)
    assert ran.code == 0, ran.err
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["z_roughness"]) > 0
    assert "signal=alternating-planes" in row["settings"]
