import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import MASKS, Condition, read_scan, to_image, write_scan
from invdiff.errors import InputError
from invdiff.evaluation import CLASSICAL, Comparison, ScoreTable, Simulation, Subject, find_subjects
from invdiff.metrics import CONVENTIONS, Annotation, psnr
from invdiff.reconstruction import Cases

CONDITIONS = [Condition("random", 2, 0.3), Condition("bernoulli", 2, 0.3)]


@pytest.fixture
def subjects(scans: Path) -> list[Subject]:
    return find_subjects(scans, Simulation(coils=3, noise_std=0.01))


@pytest.fixture
def table(tmp_path: Path) -> ScoreTable:
    return ScoreTable(tmp_path / "scores.csv")


def run(comparison: Comparison, table: ScoreTable, **more: Any) -> list[Any]:
    comparison.check(table)
    comparison.run(table, keep=table.path.with_name("units"), **more)
    return comparison.found(table)


def test_a_row_for_everything(subjects: list[Subject], table: ScoreTable, fake: Any) -> None:
    other = replace(fake, name="other", factor=1.2, asked=[])
    rows = run(Comparison(subjects, [fake, other], CONDITIONS, list(CONVENTIONS.values())), table)
    expected = {
        (file, slice_, method, condition.mask, convention)
        for (file, slices), method, condition, convention in itertools.product(
            [("a.h5", ["0", "1"]), ("b.h5", ["0", "1"]), ("c.npy", ["0"])], ["fake", "other"], CONDITIONS, CONVENTIONS
        )
        for slice_ in ([""] if convention == "fastmri" else slices)
    }
    found = [(r["file"], r["slice"], r["method"], r["mask"], r["convention"]) for r in rows]
    assert len(found) == len(set(found))
    assert set(found) == expected
    for row in rows:
        factor = 1.1 if row["method"] == "fake" else 1.2
        assert row["settings"] == f"factor={factor}"
        if row["convention"] == "fastmri":
            assert float(row["nmse"]) == pytest.approx((factor - 1) ** 2, rel=1e-4)
        assert float(row["seconds"]) == (6 if row["file"] == "c.npy" else 3)
        assert (row["nfe"], row["seed"], row["acceleration"], row["centre_fraction"]) == ("3", "0", "2", "0.3")
        assert row["target"] == ("simulated image" if row["file"] == "c.npy" else "mvue")
        assert row["source"].startswith("simulated" if row["file"] == "c.npy" else "measured")
        assert float(row["noise_std"]) == pytest.approx(0.01, rel=1)
        assert "torch" in row["versions"]


def test_achieved_acceleration_counts_what_was_never_scanned(
    subjects: list[Subject], table: ScoreTable, fake: Any
) -> None:
    rows = run(Comparison(subjects, [fake], CONDITIONS[:1], [CONVENTIONS["fastmri"]]), table)
    mask = MASKS["random"]((24, 20), 2, 0.3, 0)
    padded = mask[:, 2:].sum() / mask.size
    assert [float(r["achieved_acceleration"]) for r in rows] == pytest.approx([2, 1 / padded, 2], abs=1e-3)


def failing(at: int, error: BaseException) -> Callable[[Cases], np.ndarray]:
    """Makes the fake's image, but for the nth time it is asked."""
    count = itertools.count(1)

    def make(cases: Cases) -> np.ndarray:
        if next(count) == at:
            raise error
        return 1.1 * cases.ground_truth

    return make


def test_an_interrupted_run_goes_on(subjects: list[Subject], tmp_path: Path, fake: Any) -> None:
    path, conventions = tmp_path / "scores.csv", list(CONVENTIONS.values())
    whole = ScoreTable(tmp_path / "whole.csv")
    run(Comparison(subjects, [fake], CONDITIONS, conventions), whole)
    fake.asked.clear()
    stopping = Comparison(subjects, [replace(fake, make=failing(4, KeyboardInterrupt()))], CONDITIONS, conventions)
    with pytest.raises(KeyboardInterrupt):
        run(stopping, ScoreTable(path))
    comparison = Comparison(subjects, [fake], CONDITIONS, conventions)
    assert len(comparison.found(ScoreTable(path))) == 15
    fake.asked.clear()
    run(comparison, ScoreTable(path))
    assert [asked for asked in fake.asked if "check" not in asked] == ["b.h5", "c.npy", "c.npy"]
    assert path.read_bytes() == whole.path.read_bytes()
    fake.asked.clear()
    run(comparison, ScoreTable(path))
    assert fake.asked == []


def test_another_file_of_the_name_is_scored_anew(scans: Path, tmp_path: Path, fake: Any) -> None:
    path, table = tmp_path / "a.h5", ScoreTable(tmp_path / "scores.csv")
    scan = read_scan(scans / "a.h5")
    others = {
        "itself": scan,
        "louder": replace(scan, kspace=2 * scan.kspace),
        "with a truth": replace(scan, ground_truth=np.ones((2, 24, 20), np.complex64)),
        "with maps": replace(scan, maps=np.ones((2, 3, 24, 20), np.complex64)),
    }
    found = {}
    for name, other in others.items():
        write_scan(other, path)
        comparison = Comparison(find_subjects(path, Simulation()), [fake], CONDITIONS[:1], [CONVENTIONS["fastmri"]])
        (row,) = run(comparison, table)
        found[name] = row["data"]
    with h5py.File(path, "a") as file:
        file["reconstruction_rss"] = np.ones((2, 14, 16), np.float32)
    found["another field of view"] = find_subjects(path, Simulation())[0].data
    assert len(set(found.values())) == len(found)
    write_scan(scan, path)
    assert find_subjects(path, Simulation())[0].data == found["itself"]
    assert find_subjects(path, Simulation(), slices=[0])[0].data != found["itself"]


def test_what_is_new_alone_is_added(subjects: list[Subject], table: ScoreTable, fake: Any) -> None:
    first = run(Comparison(subjects, [fake], CONDITIONS[:1], [CONVENTIONS["fastmri"]]), table)
    second = run(Comparison(subjects, [fake], CONDITIONS[:1], [CONVENTIONS["fastmri"], CONVENTIONS["song"]]), table)
    assert len(first) == 3
    assert len(second) == 3 + 5
    other = run(Comparison(subjects, [replace(fake, factor=1.3)], CONDITIONS[:1], [CONVENTIONS["fastmri"]]), table)
    assert {row["settings"] for row in other} == {"factor=1.3"}
    assert len(ScoreTable(table.path).rows) == len(table.rows) == 11


def test_a_volume_of_other_slices_is_another(scans: Path, table: ScoreTable, fake: Any) -> None:
    for slices, told in (([0], "0"), (None, "all"), ([-1, 1], "1")):
        subjects = find_subjects(scans / "a.h5", Simulation(), slices=slices)
        (row,) = run(Comparison(subjects, [fake], CONDITIONS[:1], [CONVENTIONS["fastmri"]]), table)
        assert (row["slices"], row["slice"]) == (told, "")
    assert len(table.rows) == 3


def test_what_fails_is_named_or_left_out(subjects: list[Subject], table: ScoreTable, fake: Any) -> None:
    fastmri = [CONVENTIONS["fastmri"]]
    fake.make = failing(2, InputError("It diverged."))
    with pytest.raises(InputError, match=r"a\.h5, bernoulli 2x, fake: It diverged\."):
        run(Comparison(subjects, [fake], CONDITIONS, fastmri), table)
    fake.make = failing(1, InputError("It diverged."))
    bad: list[InputError] = []
    rows = run(Comparison(subjects, [fake], CONDITIONS, fastmri), table, bad=bad.append)
    assert [str(error) for error in bad] == ["a.h5, bernoulli 2x, fake: It diverged."]
    assert len(rows) == 5


def test_progress(subjects: list[Subject], table: ScoreTable, fake: Any) -> None:
    told: list[tuple[int, int]] = []
    run(
        Comparison(subjects, [fake], CONDITIONS, [CONVENTIONS["song"]]),
        table,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == 6000
    assert (500, 6000) in told


def coil_images(scans: Path) -> np.ndarray:
    return to_image(read_scan(scans / "a.h5").kspace)


def test_targets_differ(scans: Path, subjects: list[Subject], tmp_path: Path) -> None:
    found = {}
    for target in ("mvue", "rss"):
        comparison = Comparison(
            subjects[:1], [CLASSICAL["zero-filled"]], CONDITIONS[:1], [CONVENTIONS["fastmri"]], target
        )
        (row,) = run(comparison, ScoreTable(tmp_path / f"{target}.csv"))
        assert row["target"] == target
        found[target] = float(row["psnr"])
    assert abs(found["mvue"] - found["rss"]) > 0.05


def test_rss_is_the_root_of_the_squares(scans: Path, subjects: list[Subject], table: ScoreTable, fake: Any) -> None:
    seen: list[Any] = []

    def make(cases: Cases) -> np.ndarray:
        seen.append(cases.ground_truth)
        return cases.zero_filled

    fake.make = make
    run(Comparison(subjects[:1], [fake], CONDITIONS[:1], [CONVENTIONS["fastmri"]], "rss"), table)
    np.testing.assert_allclose(seen[0], np.sqrt((np.abs(coil_images(scans)) ** 2).sum(axis=1)), rtol=1e-5)


def test_the_field_of_view_is_scored_and_annotated(scans: Path, tmp_path: Path, fake: Any) -> None:
    path = tmp_path / "file1.h5"
    path.write_bytes((scans / "a.h5").read_bytes())
    with h5py.File(path, "a") as file:
        file["reconstruction_rss"] = np.ones((2, 14, 16), np.float32)
    subjects = find_subjects(path, Simulation())
    boxes = [Annotation("file1", 1, 3, 2, 5, 4, "tear"), Annotation("other", 0, 0, 0, 1, 1, "not here")]
    image = coil_images(scans)[:, 0]
    fake.make = lambda cases: image
    comparison = Comparison(subjects, [fake], CONDITIONS[:1], [CONVENTIONS["fastmri"]], target="rss", annotations=boxes)
    whole, region = run(comparison, ScoreTable(tmp_path / "scores.csv"))
    truth = np.sqrt((np.abs(coil_images(scans)) ** 2).sum(axis=1))[:, 5:19, 2:18]
    cropped = image[:, 5:19, 2:18]
    assert float(whole["psnr"]) == pytest.approx(psnr(truth, cropped), abs=1e-3)
    assert (region["slice"], region["region"], region["box"]) == ("1", "tear", "3 2 5 4")
    error = (np.abs(truth[1, ::-1]) - np.abs(cropped[1, ::-1]))[2:6, 3:8]
    assert float(region["psnr"]) == pytest.approx(10 * np.log10(truth.max() ** 2 / (error**2).mean()), abs=1e-3)


def test_refusals(subjects: list[Subject], table: ScoreTable, fake: Any) -> None:
    fastmri = [CONVENTIONS["fastmri"]]
    with pytest.raises(InputError, match="no contenders to compare"):
        Comparison(subjects, [], CONDITIONS, fastmri)
    with pytest.raises(InputError, match="no target 'mine'; there are mvue, rss"):
        Comparison(subjects, [fake], CONDITIONS, fastmri, "mine")
    boxes = [Annotation(f"file{i}", 0, 0, 0, 1, 1, "tear") for i in range(5)]
    with pytest.raises(InputError, match=r"of file0, file1, file2 and 2 more, but none .* are a\.h5, b\.h5, c\.npy"):
        Comparison(subjects, [fake], CONDITIONS, fastmri, annotations=boxes)
    with pytest.raises(InputError, match="lies outside the image of 24 x 20"):
        Comparison(subjects, [fake], CONDITIONS, fastmri, annotations=[Annotation("a", 0, 20, 0, 1, 1, "tear")])
    with pytest.raises(InputError, match=r"a\.h5 has slices 0 to 1, but .*'tear' is in slice 2"):
        Comparison(subjects, [fake], CONDITIONS, fastmri, annotations=[Annotation("a", 2, 0, 0, 1, 1, "tear")])
    with pytest.raises(InputError, match="no mask 'spiral'; there are equispaced, random"):
        Condition("spiral")
    coarse = Comparison(subjects, [fake], [Condition("uniform2d-scoremri", 8)], fastmri)
    with pytest.raises(InputError, match=r"a\.h5, uniform2d-scoremri 8x, fake: .*ESPIRiT needs"):
        coarse.check(table)
    assert fake.asked == []
