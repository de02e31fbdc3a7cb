"""``invdiff solve`` of three-dimensional scans."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced

SHAPE = (24, 20)
COUNT = 10
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", "1", "--threads", "1", "--precision", "f32")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head of ten positions along READ, in BART's files."""
    images = np.stack([(1 + 0.1 * x) * shepp_logan(SHAPE) for x in range(COUNT)])
    slices = simulate(images, coils=3, mask=equispaced(SHAPE, 2, 8), noise_std=0.01).kspace
    along = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(slices, 0), axis=0, norm="ortho"), 0).transpose(0, 2, 3, 1)
    path = tmp_path_factory.mktemp("volume") / "head.cfl"
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{COUNT} {SHAPE[0]} {SHAPE[1]} 3\n")
    path.write_bytes(along.astype("<c8").tobytes(order="F"))
    return path


def test_positions_along_the_readout_are_slices(
    invdiff: Callable[..., Any], folder: Path, path: Path, tmp_path: Path
) -> None:
    prior = ("--prior", folder / "prior.safetensors")
    some = invdiff("solve", path, *prior, "--out", tmp_path / "some", *QUICK, "--slices", "4:6")
    every = invdiff("solve", path, *prior, "--out", tmp_path / "every", *QUICK)
    assert (some.code, every.code) == (0, 0)
    assert f"2 slice(s) of {SHAPE[0]} x {SHAPE[1]}, 3 coils" in some.out + some.err
    with (
        h5py.File(tmp_path / "some" / "reconstruction.h5") as file,
        h5py.File(tmp_path / "every" / "reconstruction.h5") as whole,
    ):
        np.testing.assert_array_equal(file["slice"][()], [4, 5])
        assert whole["samples"].shape == (COUNT, 1, *SHAPE)
        np.testing.assert_array_equal(file["samples"][()], whole["samples"][4:6])


def test_positions_beyond_the_readout(invdiff: Callable[..., Any], folder: Path, path: Path, tmp_path: Path) -> None:
    ran = invdiff("solve", path, "--prior", folder / "prior.safetensors", "--out", tmp_path, "--slices", "10:12")
    assert ran.code == 2
    assert "slices 0 to 9; --slices 10:12 asks for others" in ran.out + ran.err
