"""What becomes of damaged files is told by the child that reads them, or by its end."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import mutations
from benchmarks.mutations import BYTES, Reader, outcomes
from invdiff.errors import InputError


def refuses(path: Path) -> None:
    raise InputError("no")


def loops(path: Path) -> None:
    while True:
        pass


def waits(path: Path) -> None:
    signal.pause()


def ends(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def grows(path: Path) -> None:
    bytes(b"1" * (BYTES + 2**29))


def reads_another_file(path: Path) -> None:
    Path(os.devnull).read_bytes()


def runs_a_program(path: Path) -> None:
    subprocess.run(["true"], check=True)


def swallows_what_it_runs(path: Path) -> None:
    try:
        os.system("true")
    finally:
        raise InputError("no")


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (Path.read_bytes, "read"), (refuses, "InputError"), (loops, "hang: computes"), (waits, "hang: waits"),
        (ends, "signal: SIGKILL"), (grows, "memory: "), (reads_another_file, "outside: open /dev/null"),
        (runs_a_program, "outside: subprocess.Popen"), (swallows_what_it_runs, "outside: os.system"),
    ],
)  # fmt: skip
def test_outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], Any], said: str) -> None:
    monkeypatch.setattr(mutations, "SECONDS", 0.5 if read is loops else 20.0)
    monkeypatch.setattr(mutations, "WAIT", 1.0 if read is waits else 60.0)
    reader = Reader(".dat", lambda path: None, read)
    found = list(outcomes(reader, "own", tmp_path / "file.dat", b"1234", range(2)))
    assert [one for one in found if not one.startswith(said)] == []
    ended = said.startswith(("hang", "signal", "memory"))
    assert len(found) == (1 if ended else 2)
