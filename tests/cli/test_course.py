"""``solve`` tells where a run ends far from the noise, and its report shows the course."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.reconstruction import Reconstruction
from tests.pictures.test_report import read

Run = Callable[..., Any]
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", "2", "--threads", "1", "--no-audit", "--report")


@pytest.mark.parametrize(("workers", "noise_std"), [(1, None), (2, 1e-6)])
def test_solve_keeps_shows_and_tells_the_course(
    invdiff: Run, folder: Path, tmp_path: Path, workers: int, noise_std: float | None
) -> None:
    """Whatever the number of processes; far too little noise is told."""
    level = () if noise_std is None else ("--noise-std", noise_std)
    prior = ("--prior", folder / "prior.safetensors")
    ran = invdiff("solve", folder / "sense.h5", *prior, *QUICK, *level, "--workers", workers, "--out", tmp_path)
    assert ran.code == 0, ran.err
    (name, course), *others = Reconstruction.read(tmp_path / "reconstruction.h5").courses.items()
    assert (name, others) == ("samples", [])
    assert np.isfinite(course.residual).all()
    assert course.residual.shape[1:] == (2, 2)
    far = bool((np.median(course.residual[..., -1], axis=1) > 2).any())
    assert ("the residual of the samples ends at" in ran.out) == far
    assert far or noise_std is None
    reader = read(tmp_path / "report.html")
    assert len(reader.of("polyline")) == 3
    assert ("Warnings" in [text for _, text in reader.texts]) == far
