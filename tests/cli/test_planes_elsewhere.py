"""A command that reconstructs slices one by one says what is to become of a part that needs a volume."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from invdiff.data import shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced

SHAPE = (24, 20)


def test_a_part_that_needs_a_volume_is_refused(invdiff: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "volume.h5"
    write_scan(
        simulate(np.stack([shepp_logan(SHAPE)] * 3), coils=2, mask=equispaced(SHAPE, 2, 8), noise_std=0.01), path
    )
    ran = invdiff(
        *("detect", path, "--at", "10,10"),
        *("--prior", folder / "prior.safetensors", "--method", "fast", "--out", tmp_path / "out"),
        *("--set", "signal=alternating-planes", "--set", "steps=2"),
    )
    assert ran.code == 2
    assert "as solve, evaluate and tune-lambda make one of neighbouring slices" in ran.err
    assert "elsewhere leave it out" in ran.err
