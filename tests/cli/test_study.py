"""``invdiff solve`` of folders, in parts, by several processes, and killed."""

import csv
import json
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import read_scan, write_scan

Run = Callable[..., Any]
Interrupt = Callable[[pytest.MonkeyPatch, int], None]
QUICK = ("--method", "fast", "--set", "steps=3", "--samples", "2", "--threads", "1", "--precision", "f32")
UNITS = 2 * 3 * 2  # samples of the files' three slices, and as many for their audit


@pytest.fixture(scope="module")
def files(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans of two slices and of one."""
    files = tmp_path_factory.mktemp("files")
    scan = read_scan(folder / "sense.h5")
    write_scan(scan, files / "a.h5")
    write_scan(scan.select([1]), files / "b.h5")
    return files


def arguments(folder: Path, path: Path, out: Path, *options: object) -> list[str]:
    return [*map(str, ("solve", path, "--prior", folder / "prior.safetensors", "--out", out, *QUICK, *options))]


def process(*command: object) -> "subprocess.Popen[bytes]":
    """The command in a process of its own."""
    whole = [sys.executable, "-m", "invdiff.cli", *map(str, command)]
    return subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def results(out: Path) -> dict[str, Any]:
    """Bytes and attributes of the files' results; and that nothing else is left."""
    left = sorted(str(path.relative_to(out)) for path in out.rglob("*"))
    of_a = ["a/panel.png", "a/reconstruction.h5", "a/slices.png"]
    assert left == ["a", *of_a, "b", "b/panel.png", "b/reconstruction.h5", "summary.csv"]
    found: dict[str, Any] = {}
    for name in ("a", "b"):
        with h5py.File(out / name / "reconstruction.h5") as file:
            found |= {f"{name}/{key}": (value.shape, value[()].tobytes()) for key, value in file.items()}
            found |= {f"{name}/{key}": str(value) for key, value in file.attrs.items()}
    return found


def summary(out: Path) -> list[dict[str, str]]:
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def whole(folder: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process makes."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert process(*arguments(folder, files, out)).wait() == 0
    return results(out)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two processes."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


# Sameness


def test_a_folder_has_a_result_of_each_file_and_a_table(
    invdiff: Run, folder: Path, files: Path, tmp_path: Path, whole: dict[str, Any]
) -> None:
    ran = invdiff(*arguments(folder, files, tmp_path))
    assert ran.code == 0, ran.err
    assert results(tmp_path) == whole
    rows = summary(tmp_path)
    assert [(Path(row["file"]).name, row["slices"], row["failed"]) for row in rows] == [
        ("a.h5", "2", "0"),
        ("b.h5", "1", "0"),
    ]
    assert [row["result"] for row in rows] == [str(tmp_path / name / "reconstruction.h5") for name in "ab"]
    other = invdiff(*arguments(folder, files, tmp_path / "other", "--seed", 1))
    assert other.code == 0
    assert results(tmp_path / "other") != whole


def test_two_processes(invdiff: Run, folder: Path, files: Path, tmp_path: Path, whole: dict[str, Any]) -> None:
    ran = invdiff(*arguments(folder, files, tmp_path, "--workers", 2))
    assert ran.code == 0, ran.err
    assert "in 2 processes of 1 thread each" in ran.out
    assert results(tmp_path) == whole


def test_a_cluster(
    invdiff: Run, folder: Path, files: Path, tmp_path: Path, whole: dict[str, Any], scheduler: str
) -> None:
    ran = invdiff(*arguments(folder, files, tmp_path, "--scheduler", scheduler))
    assert ran.code == 0, ran.err
    assert results(tmp_path) == whole


def test_one_shard_after_the_other(
    invdiff: Run, folder: Path, files: Path, tmp_path: Path, whole: dict[str, Any]
) -> None:
    """And once more without shards, which finds all there and tells of it."""
    first = invdiff(*arguments(folder, files, tmp_path, "--shard", "2/2"))
    assert first.code == 0, first.err
    assert "a.h5: this part is done; other parts of the study are outstanding" in first.out
    assert not list(tmp_path.rglob("a/*.h5"))
    assert invdiff(*arguments(folder, files, tmp_path, "--shard", "1/2")).code == 0
    assert results(tmp_path) == whole
    again = invdiff(*arguments(folder, files, tmp_path))
    assert (again.code, again.out.count("was there already")) == (0, 2)
    assert all(row["result"] for row in summary(tmp_path))
    assert results(tmp_path) == whole


def test_two_shards_at_once(
    invdiff: Run, folder: Path, files: Path, tmp_path: Path, whole: dict[str, Any], interrupt_after: Interrupt
) -> None:
    parts = [process(*arguments(folder, files, tmp_path, "--shard", f"{index}/2")) for index in (1, 2)]
    assert [part.wait() for part in parts] == [0, 0]
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, 0)  # nothing is left to draw, but each part may have missed the end of another file
        assert invdiff(*arguments(folder, files, tmp_path)).code == 0
    assert results(tmp_path) == whole


@pytest.mark.parametrize("units", [0, 1, 3, 5])
def test_an_interrupted_folder_goes_on(
    invdiff: Run,
    folder: Path,
    files: Path,
    tmp_path: Path,
    whole: dict[str, Any],
    interrupt_after: Interrupt,
    units: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, units)
        assert invdiff(*arguments(folder, files, tmp_path)).code == 130
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, UNITS - units)
        assert invdiff(*arguments(folder, files, tmp_path)).code == 0
    assert results(tmp_path) == whole


def test_a_killed_folder_goes_on(folder: Path, files: Path, tmp_path: Path, whole: dict[str, Any]) -> None:
    """SIGKILL at a random moment after a first or another sample is there."""
    for units in (1, 2):
        running = process(*arguments(folder, files, tmp_path))
        while running.poll() is None and len(list((tmp_path / "a" / "units").glob("*.npz"))) < units:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.02))
        running.kill()
        assert running.wait() == -9, "it ended before it was killed"
    assert process(*arguments(folder, files, tmp_path)).wait() == 0
    assert results(tmp_path) == whole


def test_slices_of_a_file_are_those_of_the_whole(
    invdiff: Run, folder: Path, files: Path, tmp_path: Path, whole: dict[str, Any]
) -> None:
    assert invdiff(*arguments(folder, files / "a.h5", tmp_path, "--slices", "1:2")).code == 0
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        assert file["slice"][()] == [1]
        for name in ("image", "samples_uncorrected", "std_uncorrected", "zero_filled", "scale", "noise_std"):
            shape, of_whole = whole[f"a/{name}"]
            assert file[name].shape == (1, *shape[1:])
            assert file[name][()].tobytes() == of_whole[len(of_whole) // 2 :]


# Failures


@pytest.fixture
def damaged(files: Path, tmp_path: Path) -> Path:
    """Both scans, the first with a slice whose maps are far too large, and a file that is no scan."""
    damaged = tmp_path / "damaged"
    shutil.copytree(files, damaged)
    scan = read_scan(files / "a.h5")
    assert scan.maps is not None
    maps = scan.maps.copy()
    maps[0] *= 1e20
    write_scan(replace(scan, maps=maps), damaged / "a.h5")
    (damaged / "broken.h5").write_bytes((files / "a.h5").read_bytes()[:1000])
    return damaged


def test_what_fails_is_named_and_the_others_are_there(
    invdiff: Run, folder: Path, damaged: Path, tmp_path: Path, whole: dict[str, Any]
) -> None:
    out = tmp_path / "out"
    for _ in range(2):  # and once more, when it is there
        ran = invdiff(*arguments(folder, damaged, out, "--json"))
        assert ran.code == 3
        assert "Traceback" not in ran.err
        assert "warning: a.h5, slice 0: " in ran.err
        assert "warning: broken.h5: " in ran.err
        document = json.loads(ran.out)
        assert (document["command"], document["exit_status"]) == ("solve", 3)
        rows = [
            (Path(row["file"]).name, row["slices"], row["failed"], bool(row["result"])) for row in document["files"]
        ]
        assert rows == [("a.h5", 2, 1, True), ("b.h5", 1, 0, True), ("broken.h5", 0, 1, False)]
        assert [row["failed"] for row in summary(out)] == ["1", "0", "1"]
    assert not [path for path in out.rglob("*") if path.name.startswith(".") or path.name == "units"]
    with h5py.File(out / "a" / "reconstruction.h5") as file:
        shape, expected = whole["a/samples_uncorrected"]
        images = np.frombuffer(expected, np.complex64).reshape(shape)
        np.testing.assert_array_equal(file["samples_uncorrected"][()], [0 * images[0], images[1]])


def test_a_folder_of_which_nothing_comes(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    for name in ("x.h5", "y.h5"):
        (tmp_path / name).write_text("no scan")
    ran = invdiff(*arguments(folder, tmp_path, tmp_path / "out"))
    assert ran.code == 2
    assert "None of 2 files could be reconstructed" in ran.err
    assert all("can't be read" in row["reason"] for row in summary(tmp_path / "out"))


def test_one_stem_of_two_files(invdiff: Run, folder: Path, files: Path, tmp_path: Path) -> None:
    scan = read_scan(files / "b.h5")
    both, out = tmp_path / "both", tmp_path / "out"
    both.mkdir()
    shutil.copy(files / "b.h5", both)
    np.savez(both / "b.npz", kspace=scan.kspace, sensitivity_maps=scan.maps, noise_std=scan.noise_std)
    assert invdiff(*arguments(folder, both, out)).code == 0
    assert sorted(path.name for path in out.iterdir()) == ["b.h5", "b.npz", "summary.csv"]
    twice = invdiff("solve", files / "b.h5", both / "b.h5", "--out", tmp_path / "twice")
    assert twice.code == 2
    assert "Two of the files are called b.h5" in twice.err


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("{empty}", [], "it is empty"),
        ("{other}", [], "its 1 file(s) are of other kinds"),
        ("{files}", ["--shard", "5/4"], "and not 5/4"),
        ("{files}", ["--shard", "0/4"], "and not 0/4"),
        ("{files}", ["--shard", "x"], "--shard is I/N, such as 3/16, not 'x'"),
        ("{files}/a.h5", ["--slices", "9:12"], "a.h5 has slices 0 to 1; --slices 9:12 asks for others"),
        ("{files}/a.h5", ["--slices", "2"], "--slices 2 asks for others"),
        ("{files}/a.h5", ["--slices", "-3"], "--slices -3 asks for others"),
        ("{files}/a.h5", ["--slices", "::"], "--slices is FIRST:END or one number, such as 10:40, not '::'"),
        ("{files}/a.h5", ["--slices", "a:b"], "not 'a:b'"),
        ("{files}", ["--device", "cuda:99"], "There is no device 'cuda:99' here"),
        ("{files}", ["--device", "toaster"], "There is no device 'toaster' here"),
        ("{files}", ["--scheduler", "tcp://127.0.0.1:9"], "No Dask scheduler answers at 'tcp://127.0.0.1:9'"),
        ("{files}", ["--scheduler", "nonsense"], "No Dask scheduler answers at 'nonsense'"),
        ("{files}", ["--scheduler", "tcp://a:1", "--workers", "2"], "give one of them"),
        ("{files}", ["--workers", "0"], "Invalid value for '--workers'"),
        ("{files}", ["--threads", "0"], "Invalid value for '--threads'"),
    ],
)
def test_requests_that_make_no_sense(
    invdiff: Run, folder: Path, files: Path, tmp_path: Path, path: str, options: list[str], words: str
) -> None:
    for name in ("empty", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "notes.txt").write_text("notes")
    place = Path(path.format(files=files, empty=tmp_path / "empty", other=tmp_path / "other"))
    ran = invdiff(*arguments(folder, place, tmp_path / "out", *options))
    assert ran.code == 2
    assert words in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_a_file_of_somebody_else_stands_in(
    invdiff: Run, folder: Path, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "units").write_text("of somebody else")
    ran = invdiff(*arguments(folder, files / "b.h5", tmp_path))
    assert ran.code == 2
    assert re.fullmatch(r"invdiff: The folder .*units can't be made: .*\.\n", ran.err)
    assert [path.name for path in tmp_path.iterdir()] == ["units"]
    assert (tmp_path / "units").read_text() == "of somebody else"


@pytest.mark.parametrize(
    ("name", "command"), [("scores.csv", "evaluate"), ("samples.h5", "sample"), ("state.json", "tune-lambda")]
)
def test_a_folder_of_another_command_is_refused(
    invdiff: Run, folder: Path, files: Path, tmp_path: Path, name: str, command: str
) -> None:
    (tmp_path / name).write_text("kept")
    ran = invdiff(*arguments(folder, files / "a.h5", tmp_path))
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert f"holds {name} of `invdiff {command}`" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_result_of_another_version_is_refused(invdiff: Run, folder: Path, files: Path, tmp_path: Path) -> None:
    assert invdiff(*arguments(folder, files / "b.h5", tmp_path)).code == 0
    with h5py.File(tmp_path / "reconstruction.h5", "r+") as file:
        file.attrs["invdiff_version"] = "0.0.1"
    before = (tmp_path / "reconstruction.h5").read_bytes()
    ran = invdiff(*arguments(folder, files / "b.h5", tmp_path, "--seed", 1))
    assert ran.code == 2
    assert "is of invdiff 0.0.1" in ran.err
    assert (tmp_path / "reconstruction.h5").read_bytes() == before
