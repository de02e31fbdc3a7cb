"""Options that say something of another option are refused where that one is missing, not passed over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.data import shepp_logan
from invdiff.errors import InputError
from invdiff.training import read_config

Command = Callable[..., Any]


@pytest.mark.parametrize("command", ["solve", "detect", "tune-lambda"])
@pytest.mark.parametrize("option", [("--acceleration", 8), ("--centre-fraction", 0.1)])
def test_numbers_of_a_mask_without_a_mask(
    command: str, option: tuple[str, float], invdiff: Command, tmp_path: Path
) -> None:
    ran = invdiff(command, "--out", tmp_path / "out", *option)
    assert ran.code == 2
    assert "are of --undersample, which is missing" in " ".join(ran.err.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--oversampling", 4), "are of a --trajectory"),
        (("--trajectory", "radial", "--spokes", 8, "--acceleration", 4), "leave out what it has not"),
        (("--trajectory", "radial", "--centre-fraction", 0.1), "leave out what it has not"),
    ],
)
def test_simulated_scans(options: tuple[Any, ...], said: str, invdiff: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", np.abs(shepp_logan((16, 16))))
    ran = invdiff("simulate", tmp_path / "image.npy", "--out", tmp_path / "scan.h5", *options)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())
    assert not (tmp_path / "scan.h5").exists()


@pytest.mark.parametrize("option", [("--coils", 4), ("--noise-std", 0.01)])
def test_measured_scans_are_not_simulated(option: tuple[str, float], invdiff: Command, tmp_path: Path) -> None:
    ran = invdiff("evaluate", "--baseline", "zero-filled", "--out", tmp_path / "out", *option)
    assert ran.code == 2
    assert "was measured, with coils and noise of its own" in " ".join(ran.err.split())
    assert not (tmp_path / "out").exists()


def test_methods_are_described_or_cited(invdiff: Command) -> None:
    ran = invdiff("methods", "dds", "--bibtex", "fast")
    assert ran.code == 2
    assert "give one of them" in ran.err


def test_training_that_begins_with_no_prior() -> None:
    with pytest.raises(InputError, match="its task begins with no prior, and builtin is given; leave it out"):
        read_config("mc-ddpm", start="builtin")
