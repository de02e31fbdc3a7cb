"""Parts of a method exchanged on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Run = Callable[..., Any]


def solved(invdiff: Run, folder: Path, out: Path, *options: object) -> tuple[Any, dict[str, Any]]:
    common = ("--prior", folder / "prior.safetensors", "--samples", 1, "--no-audit", "--quiet", "--set", "steps=2")
    ran = invdiff("solve", folder / "sense.h5", "--method", "fast", "--out", out, *common, *options)
    assert ran.code == 0, ran.err
    with h5py.File(out / "reconstruction.h5") as file:
        return file["samples"][()], dict(file.attrs)


def test_shorthands_do_what_settings_do_and_both_are_recorded(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    short = ("--guidance", "proximal(2, truncated(1))", "--view", "sense", "--signal", "two")
    long = ("--set", "guidance=proximal(2)", "--set", "guidance.solve=truncated(1)", "--set", "signal=two")
    images, found = solved(invdiff, folder, tmp_path / "a", *short)
    same, described = solved(invdiff, folder, tmp_path / "b", *long)
    np.testing.assert_array_equal(images, same)
    assert found["sampler"] == described["sampler"]
    assert "Proximal(gamma=2.0, solve=Truncated(steps=1)" in found["sampler"]
    assert "guidance=proximal(2, truncated(1))" in str(found)
    assert "guidance.solve=truncated(1)" in str(described)
    other, _ = solved(invdiff, folder, tmp_path / "c", *long, "--set", "guidance.gamma=0.5")
    assert (other != images).any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--guidance", "dsp"), "fast's guidance is one of proximal, dps"),
        (("--view", "soss(1)"), "soss takes no argument 1; it takes none"),
        (("--set", "predictor.etta=1"), "Renoise has no etta (did you mean eta?)"),
        (("--set", "guidance=" + "proximal(" * 5000), "is no value"),
    ],
)
def test_parts_that_there_are_not(invdiff: Run, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    ran = invdiff("solve", "--method", "fast", "--out", tmp_path / "out", *options)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1


def test_the_parameters_of_one_method(invdiff: Run) -> None:
    ran = invdiff("methods", "fast")
    assert ran.code == 0
    for words in ("eta", "share of fresh noise", "from 0 to 1", "0.35", "above zero", "magnitude-phase"):
        assert words in ran.out
    assert invdiff("methods", "magic").code == 2
