"""Files that hold several measurements: each is one of its own, or one is chosen."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import ismrmrd
import numpy as np
import pytest

from invdiff.data import list_series, open_scan, read_scan, shepp_logan, simulate, write_scan
from invdiff.data.formats.ismrmrd import _Acquisition
from invdiff.data.series import Series
from invdiff.errors import InputError
from invdiff.reconstruction import find_inputs, find_kind, find_series

Run = Callable[..., Any]
SHAPE = (24, 20)
FULL = simulate(shepp_logan(SHAPE), coils=3, noise_std=0.01)
HEADER = """<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding><encodedSpace><matrixSize><x>24</x><y>20</y><z>1
</z></matrixSize></encodedSpace><trajectory>cartesian</trajectory><parallelImaging><accelerationFactor>
<kspace_encoding_step_1>2</kspace_encoding_step_1></accelerationFactor><calibrationMode>embedded</calibrationMode>
</parallelImaging></encoding></ismrmrdHeader>"""
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", 1)


def write_raw(path: Path, parts: dict[int, Sequence[int]], group: str = "dataset", **counters: int) -> None:
    """Repetitions by number, of these lines each, in the order in which a scanner takes them."""
    with ismrmrd.Dataset(str(path), group, create_if_needed=True) as file:
        file.write_xml_header(HEADER.encode())
        for repetition, lines in parts.items():
            for number in lines:
                data = np.ascontiguousarray((1 + repetition) * FULL.kspace[0, :, :, number])
                made = ismrmrd.Acquisition.from_array(data)
                made.center_sample, made.idx.kspace_encode_step_1 = SHAPE[0] // 2, number
                made.idx.repetition = repetition
                for name, value in counters.items():
                    setattr(made.idx, name, value)
                if 5 <= number < 15:
                    on_grid = number % 2 == repetition % 2
                    made.set_flag(21 if on_grid else 20)
                file.append_acquisition(made)


@pytest.fixture(scope="session")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Acceleration 2 with ten calibration lines, whose repetitions interleave, as the generator of the standard's own
    library writes it (ismrmrd_generate_cartesian_shepp_logan -a 2 -w 10)."""
    path = tmp_path_factory.mktemp("repeated") / "scan.h5"
    write_raw(path, {rep: [n for n in range(20) if n % 2 == rep or 5 <= n < 15] for rep in (0, 1)})
    return path


def test_each_measurement_has_a_folder(invdiff: Run, folder: Path, repeated: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = invdiff("solve", repeated, "--prior", folder / "prior.safetensors", "--out", out, *QUICK)
    assert ran.code == 0, ran.err
    assert sorted(one.name for one in out.iterdir()) == ["scan-repetition-0", "scan-repetition-1", "summary.csv"]
    with (out / "summary.csv").open() as file:
        named = [row["file"] for row in csv.DictReader(file)]
    assert named == [f"{repeated}, repetition 0", f"{repeated}, repetition 1"]
    assert "scan.h5, repetition 1: 1 slice(s) of 24 x 20, 3 coils, acceleration 1.33" in ran.out
    images = []
    for number in (0, 1):
        with h5py.File(out / f"scan-repetition-{number}" / "reconstruction.h5") as file:
            images.append(np.abs(file["image"][0]))
    assert np.vdot(images[0], images[1]) / np.vdot(images[0], images[0]) == pytest.approx(2, rel=0.1)


def test_one_measurement_is_chosen(invdiff: Run, folder: Path, repeated: Path, tmp_path: Path) -> None:
    options = ("--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *QUICK)
    ran = invdiff("solve", repeated, "--repetition", 1, *options)
    assert ran.code == 0, ran.err
    assert (tmp_path / "out" / "reconstruction.h5").exists()
    for asked, words in (
        (("--repetition", 2), "holds no repetition 2; it holds repetition 0; repetition 1."),
        (("--contrast", 1, "--repetition", 0), "holds no contrast 1, repetition 0; it holds repetition 0"),
        (("--set-number", 1), "holds no set 1"),
        (("--group", "other"), "holds no group other"),
    ):
        ran = invdiff("solve", repeated, *asked, *options)
        assert (ran.code, words in ran.err) == (2, True), ran.err
    ran = invdiff("solve", folder / "sense.h5", "--repetition", 0, *options)
    assert ran.code == 2
    assert "holds no repetition 0; it holds one measurement" in ran.err
    for inputs in ((), (folder / "denoise.npy", "--operator", "denoise")):
        ran = invdiff("solve", *inputs, "--phase", 3, *options)
        assert ran.code == 2
        assert "--phase 3 is for k-space given as INPUT" in ran.err


def test_searches_and_comparisons_take_all_of_a_file(
    invdiff: Run, folder: Path, repeated: Path, tmp_path: Path
) -> None:
    prior = ("--prior", folder / "prior.safetensors")
    options = ("--by", "held-back", "--trials", 2, "--set", "steps=2", *prior)
    ran = invdiff("tune-lambda", repeated, *options, "--out", tmp_path / "tuned")
    assert ran.code == 0, ran.err
    assert "scan.h5, repetition 0:" in ran.out
    assert "scan.h5, repetition 1:" in ran.out
    ran = invdiff("tune-lambda", repeated, "--repetition", 1, *options, "--out", tmp_path / "other")
    assert "scan.h5, repetition 0:" not in ran.out
    full = tmp_path / "full.h5"
    write_raw(full, {0: range(20), 1: range(20)})
    scored = ("--baseline", "zero-filled", "--acceleration", 2, "--centre-fraction", 0.4)
    for asked, names in ((), [0, 1]), (("--repetition", 1), [1]):
        out = tmp_path / f"scores{len(asked)}"
        ran = invdiff("evaluate", full, *scored, *asked, "--out", out)
        assert ran.code == 0, ran.err
        with (out / "scores.csv").open() as file:
            found = {row["file"] for row in csv.DictReader(file)}
        assert found == {f"full.h5, repetition {number}" for number in names}
    ran = invdiff("evaluate", full, *scored, "--contrast", 4, "--out", tmp_path / "none")
    assert ran.code == 2
    assert "holds no contrast 4" in ran.err


def test_files_that_fail_do_not_keep_others(invdiff: Run, folder: Path, repeated: Path, tmp_path: Path) -> None:
    """A file without the measurement is one that failed."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.h5").write_bytes(repeated.read_bytes())
    (tmp_path / "in" / "b.h5").write_bytes(repeated.read_bytes()[:2000])
    write_scan(FULL, tmp_path / "in" / "c.h5")
    options = ("--repetition", 1, "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *QUICK)
    ran = invdiff("solve", tmp_path / "in", *options)
    assert ran.code == 3, ran.err
    assert (tmp_path / "out" / "a-repetition-1" / "reconstruction.h5").exists()
    assert "c.h5 holds no repetition 1" in ran.err


def test_groups_are_called_anything(tmp_path: Path) -> None:
    path = tmp_path / "raid.mrd"
    write_raw(path, {0: range(20)}, "dataset_1")
    assert list_series(path) == (Series("dataset_1", 0, 0, 0, 0),)
    assert read_scan(path).name == "raid.mrd"
    write_raw(path, {1: range(0, 20, 2)}, "a:..:b", contrast=3)
    with h5py.File(path, "a") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/other.h5", "dataset")
        file["note"] = 1
    with pytest.raises(InputError, match=r"group a:\.\.:b, contrast 3, repetition 1; group dataset_1, contrast 0"):
        read_scan(path)
    one, other = find_series(path, Series())
    assert one.label == "group-a_.._b-contrast-3-repetition-1"
    scan = open_scan(path, other)
    assert scan.name == "raid.mrd, group dataset_1, contrast 0, repetition 0"
    np.testing.assert_array_equal(scan.kspace, FULL.kspace)
    assert read_scan(path, Series(contrast=3)).mask is not None
    inputs = find_inputs([path], find_kind("sense"))
    assert [one.series.group for one in inputs] == ["a:..:b", "dataset_1"]
    assert inputs[1].labels[0] == "raid-group-dataset_1-contrast-0-repetition-0"


def test_one_repetition_is_read_without_the_lines_of_others(repeated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long series each is read by itself."""
    read: list[_Acquisition] = []
    samples = _Acquisition.data.fget
    monkeypatch.setattr(_Acquisition, "data", property(lambda self: (samples(self), read.append(self))[0]))
    read_scan(repeated, Series(repetition=1))
    image = [one for one in read if not one.is_flag_set(20)]
    assert {one.idx.repetition for one in image} == {1}
