"""A folder that holds the result of another run: refused with what differs, replaced with --force."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

Run = Callable[..., Any]


@pytest.fixture
def done(invdiff: Run, folder: Path, tmp_path: Path) -> list[Any]:
    """A run whose result is there."""
    run = ["solve", folder / "denoise.npy", "--operator", "denoise", "--prior", folder / "prior.safetensors"]
    run += ["--out", tmp_path / "out", "--method", "fast", "--set", "steps=2", "--samples", 1, "--no-audit"]
    assert invdiff(*run).code == 0
    return run


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seed", 1], "the seed was 0, not 1"),
        (["--set", "steps=3"], "its parameters were steps=2, not steps=3"),
        (["--method", "dds"], "the method was fast, not dds"),
        (["--samples", 2], "number of samples"),
    ],
)
def test_other_settings(invdiff: Run, done: list[Any], tmp_path: Path, options: list[Any], words: str) -> None:
    before = (tmp_path / "out" / "reconstruction.h5").read_bytes()
    for run in ([*done, *options], [*done, *options, "--dry-run"]):
        ran = invdiff(*run)
        assert ran.code == 2
        assert words in ran.err
        assert "--force" in ran.err
        assert ran.err.count("\n") == 1
    assert (tmp_path / "out" / "reconstruction.h5").read_bytes() == before
    assert not (tmp_path / "out" / "units").exists()


def test_another_scan_and_force(invdiff: Run, done: list[Any], folder: Path, tmp_path: Path) -> None:
    other = [folder / "denoise.png" if part == folder / "denoise.npy" else part for part in done]
    ran = invdiff(*other)
    assert ran.code == 2
    assert re.search(r"the scan was \S*denoise\.npy, not \S*denoise\.png\.", ran.err)
    assert invdiff(*other, "--force").code == 0
    with h5py.File(tmp_path / "out" / "reconstruction.h5") as file:
        assert file.attrs["input"].endswith("denoise.png")
    assert "was there already" in invdiff(*other).out  # the same is no other


def test_what_was_not_finished_is_replaced(invdiff: Run, done: list[Any], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "out" / "reconstruction.h5", "r+") as file:
        file.attrs["fingerprint"] = ""
    assert invdiff(*done, "--seed", 1).code == 0


def test_the_choice_of_a_scan_refuses_before_it_tries(invdiff: Run, done: list[Any]) -> None:
    at = done.index("--method")
    ran = invdiff(*done[:at], "--method", "auto", "--seed", 5)
    assert ran.code == 2
    assert "the seed was 0, not 5" in ran.err


def test_a_long_run_says_what_it_will_take(invdiff: Run, done: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "see --dry-run" not in invdiff(*done, "--force", "--seed", 2).out
    monkeypatch.setattr("invdiff.cli.job._LONG", 2)
    assert "denoise.npy: 2 network calls to go, about 0:00:0" in invdiff(*done, "--force", "--seed", 3).out
    assert "see --dry-run" not in invdiff(*done, "--force", "--seed", 4, "--quiet").out
    assert "see --dry-run" not in invdiff(*done, "--force", "--seed", 4).out  # of which nothing is left to do
