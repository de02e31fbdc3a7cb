"""Oversampled scans by the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import Geometry, read_scan, write_scan

Run = Callable[..., Any]
SIZES = (48.0, 20.0), None, (24.0, 20.0)
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", 1)


@pytest.fixture
def oversampled(folder: Path, tmp_path: Path) -> Path:
    """A scan with a truth, of which the central twelve rows of 24 are the field of view."""
    scan = read_scan(folder / "truth.h5")
    geometry = Geometry(scan.image_shape, *SIZES, recon_matrix=(24, 40))
    write_scan(scan.changed(geometry=geometry), tmp_path / "scan.h5")
    return tmp_path / "scan.h5"


def test_solve_writes_the_field_of_view_unless_all_is_kept(
    invdiff: Run, folder: Path, oversampled: Path, tmp_path: Path
) -> None:
    common = ("solve", oversampled, "--prior", folder / "prior.safetensors", *QUICK)
    part = invdiff(*common, "--out", tmp_path / "part", "--baseline", "cg-sense")
    assert part.code == 0, part.err
    assert "24 x 20, of which 12 x 20 are the field of view" in part.out
    assert "recon matrix of 24 x 40 over 24 x 20 mm is interpolated" in part.err
    assert "cg-sense" in part.out  # scored on the field of view, as everything else is
    whole = invdiff(*common, "--out", tmp_path / "whole", "--keep-oversampling", "--quiet")
    assert whole.code == 0, whole.err
    images = []
    for name in ("part", "whole"):
        with h5py.File(tmp_path / name / "reconstruction.h5") as file:
            images.append(file["image"][()])
    assert images[1].shape == (1, 24, 20)
    np.testing.assert_array_equal(images[0], images[1][:, 6:18])
    begun = tmp_path / "part" / "reconstruction.h5"
    refused = invdiff(*common, "--out", tmp_path / "c", "--start", begun, "--start-sigma", 0.5)
    assert refused.code == 2
    assert "make them with --keep-oversampling" in " ".join(refused.err.split())
    begun = tmp_path / "whole" / "reconstruction.h5"
    after = invdiff(*common, "--out", tmp_path / "c", "--start", begun, "--start-sigma", 0.5, "--quiet")
    assert after.code == 0, after.err


def test_evaluate_says_how_a_header_was_understood(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    scan = read_scan(folder / "truth.h5")
    full = scan.changed(kspace=np.ones_like(scan.kspace), mask=None, geometry=Geometry((24, 20), *SIZES, (24, 40)))
    write_scan(full, tmp_path / "scan.h5")
    ran = invdiff("evaluate", tmp_path / "scan.h5", "--baseline", "zero-filled", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert "scan.h5: The header's recon matrix of 24 x 40 over 24 x 20 mm is interpolated" in ran.err
