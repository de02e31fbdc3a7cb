"""What every command has: help, a version, examples, completion, exit statuses, and files by the umask."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from invdiff.cli import EXIT_STATUS, app
from invdiff.cli.completion import (
    baseline_names,
    mask_names,
    method_names,
    operator_names,
    prior_names,
    setting_names,
)
from invdiff.cli.examples import EXAMPLES
from invdiff.methods import METHODS

Run = Callable[..., Any]
COMMANDS = typer.main.get_command(app).commands
ROOT = Path(__file__).resolve().parents[2]


def test_the_version(invdiff: Run) -> None:
    import invdiff as package

    ran = invdiff("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"invdiff {package.__version__}\n", "")


def test_the_package_runs_as_a_module() -> None:
    run = [sys.executable, "-m", "invdiff", "--version"]
    assert subprocess.run(run, capture_output=True, text=True, check=True, timeout=120).stdout.startswith("invdiff ")


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_in_short_and_in_full_within_the_terminal(
    invdiff: Run, monkeypatch: pytest.MonkeyPatch, command: str | None
) -> None:
    short, long = (invdiff(*([command] if command else []), option) for option in ("-h", "--help"))
    assert (short.code, short.out) == (0, long.out)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((70, 24)))
    narrow = invdiff(*([command] if command else []), "-h").out
    examples = {line.strip() for line in EXAMPLES.get(command or "", ())}
    lines = [line for line in narrow.splitlines() if line.strip() not in examples]
    assert max(map(len, lines)) <= 70


def test_a_wide_terminal_is_used(invdiff: Run) -> None:
    """Of 200 columns 120, beyond which lines are hard to read."""
    assert 80 < max(map(len, invdiff("solve", "-h").out.splitlines())) <= 120


def test_every_command_has_examples_and_no_other() -> None:
    assert set(EXAMPLES) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_are_what_the_command_takes(invdiff: Run, command: str) -> None:
    """In `--help`, one a line, and every option and value of them is one that the parser takes."""
    help_ = invdiff(command, "--help").out
    for example in EXAMPLES[command]:
        assert f"\n  {example}\n" in help_
        program, name, *arguments = shlex.split(example.split(" > ")[0])
        assert (program, name) == ("invdiff", command)
        if "--config" not in arguments:  # whose file is read while arguments are
            COMMANDS[command].make_context(command, arguments)


def test_an_example_that_is_wrong_is_seen() -> None:
    with pytest.raises(Exception, match="--no-such-option"):
        COMMANDS["solve"].make_context("solve", ["--no-such-option"])


def test_exit_statuses_are_told_and_documented(invdiff: Run) -> None:
    told = " ".join(invdiff("--help").out.split())
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for code, meaning in EXIT_STATUS.items():
        assert f"{code}: {meaning}" in told
        assert f"| {code} | {meaning} |" in page


def test_the_page_of_commands_has_each_of_them() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [*COMMANDS] == re.findall(r"^\| `(?:invdiff )?([\w-]+)` \|", page, re.MULTILINE)


def test_names_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine.safetensors", "notes.txt"):
        Path(name).touch()
    Path("models").mkdir()
    assert method_names("chung2022_c") == ["chung2022_complex"]
    assert set(method_names("")) == {*METHODS}
    assert operator_names("non") == ["non-cartesian"]
    assert mask_names("equispaced-j") == ["equispaced-jalal"]
    assert baseline_names("l1") == ["l1-wavelet"]
    assert prior_names("m") == ["mc_ddpm", "mine.safetensors", "models/"]
    context = typer.Context(COMMANDS["solve"])
    context.params["method"] = "dds"
    assert setting_names(context, "gam") == ["gamma="]
    context.params["method"] = "magic"
    assert setting_names(context, "gam") == []


def test_a_shell_asks_for_names(invdiff: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As bash does, by the variables of its completion."""
    monkeypatch.setenv("_INVDIFF_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "invdiff solve --method chung2022_m")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert invdiff().out.split() == ["chung2022_magnitude_phase"]


@pytest.mark.parametrize("umask", [0o022, 0o027])
def test_files_are_for_whom_the_umask_says(invdiff: Run, folder: Path, tmp_path: Path, umask: int) -> None:
    np.save(tmp_path / "image.npy", np.ones((16, 16)))
    before = os.umask(umask)
    try:
        run = ["solve", folder / "denoise.npy", "--operator", "denoise", "--prior", folder / "prior.safetensors"]
        quick = ["--method", "fast", "--set", "steps=2", "--samples", 1, "--no-audit", "--save", "npy"]
        assert invdiff(*run, *quick, "--out", tmp_path / "result").code == 0
        assert invdiff("simulate", tmp_path / "image.npy", "--out", tmp_path / "scan.h5", "--coils", 2).code == 0
        assert invdiff("convert", folder / "prior.safetensors", tmp_path / "prior.pt").code == 0
    finally:
        os.umask(before)
    written = [*(tmp_path / "result").iterdir(), tmp_path / "scan.h5", tmp_path / "prior.pt"]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in written if path.is_file()} == {
        path.name: oct(0o666 & ~umask) for path in written if path.is_file()
    }
    assert len(written) > 4
