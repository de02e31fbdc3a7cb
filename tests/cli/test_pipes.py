"""Standard input and output in the place of files."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import mrd
import numpy as np
import pytest

Run = Callable[..., Any]
QUICK = ("--method", "fast", "--set", "steps=3", "--samples", "2", "--threads", "1")


def piped(folder: Path, *arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [
        sys.executable,
        "-m",
        "invdiff.cli",
        "solve",
        *arguments,
        "--prior",
        folder / "prior.safetensors",
        *QUICK,
    ]
    return subprocess.run(list(map(str, command)), input=given, capture_output=True, check=False)


def images_in(stream: bytes) -> dict[tuple[int, int], np.ndarray]:
    """Images of a stream by their series and slice."""
    with mrd.BinaryMrdReader(io.BytesIO(stream)) as reader:
        reader.read_header()
        items = [item.value for item in reader.read_data()]
    return {(item.head.image_series_index, item.head.slice): item.data[0, 0] for item in items}


def test_a_file_goes_in_and_images_come_out(folder: Path, tmp_path: Path) -> None:
    by_pipe = piped(folder, "-", "--out", "-", given=(folder / "sense.h5").read_bytes())
    by_file = piped(folder, folder / "sense.h5", "--out", tmp_path / "out")
    assert (by_pipe.returncode, by_file.returncode) == (0, 0), by_pipe.stderr.decode() + by_file.stderr.decode()
    assert b"acceleration" in by_pipe.stderr
    found = images_in(by_pipe.stdout)
    with h5py.File(tmp_path / "out" / "reconstruction.h5") as file:
        assert len(found) == 2 * len(file["image"])
        for number, image in enumerate(file["image"]):
            np.testing.assert_array_equal(found[0, number], image.T)  # x of MRD is the readout
            np.testing.assert_array_equal(found[1, number], file["std"][number].T)


def test_it_is_the_only_thing_on_standard_output(invdiff: Run, folder: Path) -> None:
    ran = invdiff("solve", folder / "sense.h5", "--out", "-", "--json")
    assert ran.code == 2
    assert "not both" in ran.err


@pytest.mark.parametrize(
    ("paths", "given", "sentence"),
    [(["-"], b"", "holds nothing"), (["-", "-"], b"x", "given twice"), (["-"], b"not a scan", "scans are read from")],
)
def test_what_can_not_be_read_from_standard_input(
    invdiff: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], given: bytes, sentence: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
    ran = invdiff("solve", *paths, "--out", "-", "--prior", folder / "prior.safetensors", *QUICK)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="no shell of POSIX")
def test_a_reader_that_has_gone_is_told_of(folder: Path) -> None:
    command = (
        f'"{sys.executable}" -m invdiff.cli solve "{folder / "sense.h5"}" --out - --prior "{folder}/prior.safetensors"'
    )
    script = f"{command} {' '.join(QUICK)} | true; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert ran.returncode == 2
    assert b"has gone" in ran.stderr
    assert b"Traceback" not in ran.stderr
