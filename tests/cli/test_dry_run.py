"""What `invdiff solve --dry-run` tells, and that it writes nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from invdiff.reconstruction import Unit
from invdiff.reconstruction.trial import Cost, Trial

Run = Callable[..., Any]
METHOD = ["--method", "fast", "--set", "steps=3", "--samples", 2, "--no-audit"]


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Unit]:
    """The units that are tried."""
    tried: list[Unit] = []
    call = Trial.__call__

    def counted(self: Trial, unit: Unit, report: Any) -> Cost:
        tried.append(unit)
        return call(self, unit, report)

    monkeypatch.setattr(Trial, "__call__", counted)
    return tried


def test_one_file(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = invdiff(
        "solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", out, "--dry-run", *METHOD
    )
    assert ran.code == 0, ran.err
    assert "sense.h5" in ran.out
    *numbers, seconds = ran.out.splitlines()[-2].split()[1:5]
    assert numbers == ["2", "4", "12"]
    assert seconds.startswith("0:00:0")
    assert "iB" in ran.out
    assert not out.exists()


def test_an_image_and_its_spread(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    """Two stages: an image of each of two slices, and then their samples."""
    options = ["--set", "steps=4", "--samples", 1, "--dry-run", "--json"]
    ran = invdiff(
        "solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *options
    )
    told = json.loads(ran.out)["total"]
    assert (told["slices"], told["units"], told["network_calls"]) == (2, 4, 2 * (4 + 60))


def test_several_files_are_measured_once_and_added_up(
    invdiff: Run, folder: Path, tmp_path: Path, trials: list[Unit]
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for name in ("one.h5", "two.h5"):
        shutil.copy(folder / "sense.h5", files / name)
    (files / "broken.h5").write_bytes(b"no HDF5")
    options = ["--prior", folder / "prior.safetensors", "--out", tmp_path / "out", "--dry-run", *METHOD]
    ran = invdiff("solve", files, *options, "--json", "--memory-limit", "64GiB")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert [Path(row["file"]).name for row in told["files"]] == ["broken.h5", "one.h5", "two.h5"]
    broken, one, two = told["files"]
    assert "can't be read" in broken["reason"]
    assert (broken["units"], broken["peak_bytes"]) == (0, 0)
    assert one["units"] == two["units"] == 4
    assert min(one["seconds"], two["seconds"]) > 0
    for name in ("slices", "units", "network_calls", "seconds"):
        assert told["total"][name] == pytest.approx(one[name] + two[name])
    assert told["total"]["peak_bytes"] == one["peak_bytes"]
    assert told["memory_limit"] == 64 * 2**30
    assert len(trials) == 1
    assert not (tmp_path / "out").exists()
    shown = invdiff("solve", files, *options, "--memory-limit", "64GiB")
    assert "3 files" in shown.out
    assert "limit 64GiB" in shown.out


def test_what_is_finished_is_not_done_again(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: list[Unit]
) -> None:
    """A part of the samples, as an interrupted run leaves them; and then all of them."""
    from invdiff.reconstruction import FolderStore

    out, put = tmp_path / "out", FolderStore.put
    run = ["solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", out, *METHOD]

    def interrupted(self: FolderStore, unit: Unit, *arguments: Any) -> None:
        if unit.case == 1:
            raise KeyboardInterrupt
        put(self, unit, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "put", interrupted)
        assert invdiff(*run).code == 130
    before = sorted((out / "units").iterdir())
    ran = invdiff(*run, "--dry-run", "--json")
    told = json.loads(ran.out)["total"]
    assert (told["slices"], told["units"], told["network_calls"]) == (1, 2, 6)
    assert sorted((out / "units").iterdir()) == before
    assert [unit.case for unit in trials] == [1]
    assert invdiff(*run).code == 0
    told = json.loads(invdiff(*run, "--dry-run", "--json").out)["total"]
    assert told == {"slices": 0, "units": 0, "network_calls": 0, "seconds": 0, "peak_bytes": 0}


def test_what_can_not_be_done_is_refused(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    files = [folder / "sense.h5", "--prior", folder / "one.safetensors", "--out", tmp_path / "out"]
    ran = invdiff("solve", *files, "--method", "jalal2021", "--set", "signal=two", "--dry-run")
    assert ran.code == 2
    assert "another prior" in ran.err
    assert not (tmp_path / "out").exists()
