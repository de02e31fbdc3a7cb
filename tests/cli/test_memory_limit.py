"""What `--memory-limit` refuses, and leaves out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
METHOD = ["--method", "fast", "--set", "steps=3", "--samples", 1]


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_limit_that_is_too_low(invdiff: Run, folder: Path, tmp_path: Path, dry: list[str]) -> None:
    files = [folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path / "out"]
    ran = invdiff("solve", *files, *METHOD, "--memory-limit", "1MiB", *dry)
    assert ran.code == 2
    assert "more than --memory-limit 1MiB of each process; give at least" in ran.err
    assert not (tmp_path / "out" / "reconstruction.h5").exists()


def test_classical_methods_know_no_limit(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    """They take several times what a sample does."""
    files = [folder / "truth.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path / "out"]
    ran = invdiff("solve", *files, *METHOD, "--memory-limit", "64GiB", "--baseline", "tv")
    assert ran.code == 2
    assert "give it without --memory-limit" in ran.err
    assert not (tmp_path / "out").exists()
