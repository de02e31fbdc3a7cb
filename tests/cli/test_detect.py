"""``invdiff detect``: what it writes and refuses."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from invdiff.data import Geometry, read_scan, shepp_logan, simulate, write_scan
from invdiff.evaluation import Lesion, detect
from invdiff.methods import METHODS
from invdiff.priors import load_prior
from invdiff.reconstruction import scan_cases

Run = Callable[..., Any]
QUICK = ("--set", "steps=3", "--precision", "f32")
SPREAD = METHODS["estimate"].spread


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples beside an estimate take the defaults of their method, which are many steps."""
    method = METHODS[SPREAD]
    monkeypatch.setitem(METHODS, SPREAD, replace(method, build=partial(method.build, steps=4)))


@pytest.fixture(scope="module")
def wide(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two slices with an oversampled readout: pixels of 2 x 3 mm, of which the central 24 rows are wanted."""
    image = np.abs(shepp_logan((48, 20)))
    geometry = Geometry((48, 20), (96.0, 60.0), 5.0, (48.0, 60.0))
    scan = simulate(np.stack([image, image[::-1]]), coils=3, noise_std=0.01)
    path = tmp_path_factory.mktemp("wide") / "wide.h5"
    write_scan(replace(scan, ground_truth=None, geometry=geometry), path)
    return path


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "detect.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_is_the_library_s(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    command = "detect", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, *QUICK
    places = "--at", "8,9", "--at", "15.5,4"
    ran = invdiff(
        *command,
        "--size",
        "3px",
        "--contrast",
        "-0.2",
        *places,
        "--samples",
        2,
        "--seed",
        4,
        "--slices",
        1,
        "--no-audit",
    )
    assert ran.code == 0, ran.err
    assert "audit" not in ran.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detect.csv", "detect.png", "run.json"]
    cases = scan_cases(read_scan(folder / "sense.h5"), "sense")
    lesions = [Lesion((8, 9), (3, 3), -0.2), Lesion((15.5, 4), (3, 3), -0.2)]
    methods = [METHODS[name].with_settings(given) for name, given in (("estimate", {"steps": "3"}), (SPREAD, {}))]
    prior = load_prior(folder / "prior.safetensors")
    expected = detect(cases.problem(1), methods[0], prior, lesions, samples=2, spread=methods[1], seed=4, case=1)
    assert len(rows(tmp_path)) == 2
    for row, finding in zip(rows(tmp_path), expected.findings, strict=True):
        assert row["slice"] == "1"
        told = [float(row[name]) for name in ("row", "column", "height", "width", "contrast")]
        assert told == [*finding.lesion.place, 3, 3, -0.2]
        assert float(row["recovered"]) == pytest.approx(finding.recovered, rel=1e-4)
        assert float(row["share"]) == pytest.approx(finding.share, rel=1e-4)
        assert float(row["spread"]) == pytest.approx(finding.spread, rel=1e-4)
        interval = [float(row["low"]), float(row["high"])]
        assert interval == pytest.approx([float(end) for end in finding.amount().interval(0.9)], rel=1e-4)
    assert "of 2 lesion(s)" in ran.out
    with Image.open(tmp_path / "detect.png") as picture:
        assert picture.size[0] > picture.size[1] > 100


def test_the_spread_is_corrected_by_what_is_held_back(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    command = "detect", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--at", "8,9", "--size", "3px"
    told = {}
    for option in ("--audit", "--no-audit"):
        ran = invdiff(*command, "--samples", 3, "--out", tmp_path / option, option, *QUICK)
        assert ran.code == 0, ran.err
        assert ("audit: error bars" in ran.out) == (option == "--audit")
        (told[option],) = rows(tmp_path / option)
    assert told["--audit"]["recovered"] == told["--no-audit"]["recovered"]
    assert float(told["--audit"]["spread"]) != pytest.approx(float(told["--no-audit"]["spread"]), rel=0.01)


def test_where_nothing_can_be_held_back_the_spread_is_as_drawn(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    command = "detect", folder / "denoise.png", "--operator", "denoise", "--prior", folder / "prior.safetensors"
    ran = invdiff(*command, "--samples", 2, "--size", "3px", "--at", "8,9", "--out", tmp_path, *QUICK)
    assert ran.code == 0, ran.err
    assert "without an audit" in ran.out
    assert float(rows(tmp_path)[0]["spread"]) > 0


@pytest.mark.parametrize(
    ("name", "operator"), [("fourier.h5", "fourier"), ("inpainting.npz", "inpainting"), ("denoise.png", "denoise")]
)
def test_every_operator_has_lesions_all_over(
    invdiff: Run, folder: Path, tmp_path: Path, name: str, operator: str
) -> None:
    command = "detect", folder / name, "--operator", operator, "--prior", folder / "prior.safetensors", "--grid"
    ran = invdiff(*command, "--out", tmp_path, "--size", "2", "--samples", 0, "--json", *QUICK)
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert (document["command"], document["exit_status"]) == ("detect", 0)
    assert len(document["lesions"]) == len(rows(tmp_path)) > 2
    assert all(lesion["spread"] is None and np.isfinite(lesion["share"]) for lesion in document["lesions"])
    assert all(row["spread"] == "" for row in rows(tmp_path))


def test_sizes_in_mm_and_places_in_the_field_of_view(invdiff: Run, folder: Path, wide: Path, tmp_path: Path) -> None:
    command = "detect", wide, "--prior", folder / "prior.safetensors", "--out", tmp_path, "--samples", 0, *QUICK
    ran = invdiff(*command, "--size", "6mm", "--at", "12,10", "--slices", ":")
    assert ran.code == 2
    ran = invdiff(*command, "--size", "6mm", "--at", "12,10", "--slices", "0:2", "--quiet")
    assert (ran.code, ran.out) == (0, ""), ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "detect-0.png",
        "detect-1.png",
        "detect.csv",
        "run.json",
    ]
    found = rows(tmp_path)
    assert [row["slice"] for row in found] == ["0", "1"]
    assert all([float(row[name]) for name in ("row", "column", "height", "width")] == [12, 10, 3, 2] for row in found)
    cases, prior = scan_cases(read_scan(wide), "sense"), load_prior(folder / "prior.safetensors")
    sampler = METHODS["estimate"].with_settings({"steps": "3"})
    (finding,) = detect(cases.problem(1), sampler, prior, [Lesion((24, 10), (3, 2), 0.1)], case=1).findings
    assert float(found[1]["share"]) == pytest.approx(finding.share, rel=1e-4)
    refused = invdiff(*command, "--size", "6mm", "--at", "30,10")  # measured, but no part of the image
    assert refused.code == 2
    assert "does not lie within the image of 24 x 20" in refused.err


def test_by_default_it_is_the_middle_slice(invdiff: Run, folder: Path, wide: Path, tmp_path: Path) -> None:
    command = "detect", wide, "--prior", folder / "prior.safetensors", "--out", tmp_path, "--samples", 0, *QUICK
    assert invdiff(*command, "--size", "2px").code == 0
    assert {row["slice"] for row in rows(tmp_path)} == {"1"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "0mm"], "does not tell how large its pixels are"),
        (["--size", "0px"], "smaller than a pixel"),
        (["--size", "0"], "smaller than a pixel"),
        (["--size", "-3px"], "--size is a width"),
        (["--size", "nan"], "--size is a width"),
        (["--size", "3cm"], "--size is a width"),
        (["--size", "9" * 300], "--size is a width"),
        (["--size", "3mm"], "does not tell how large its pixels are"),
        (["--size", "99px"], "no room for a lesion"),
        (["--contrast", "0"], "without contrast"),
        (["--contrast", "nan"], "finite"),
        (["--at", "4"], "--at is a row and a column"),
        (["--at", "4,x"], "--at is a row and a column"),
        (["--at", "99,4"], "does not lie within the image of 24 x 20"),
        (["--at", "-9,4"], "does not lie within the image of 24 x 20"),
        (["--at", "8,8", "--at", "9,8"], "of their sizes apart"),
        (["--at", "8,8", "--grid"], "not both"),
        (["--method", "fast", "--samples", "0"], "--samples is one or more"),
        (["--method", "magic"], "no method 'magic'"),
        (["--set", "magic=1"], "no parameter magic"),
        (["--slices", "7"], "slices 0 to 1"),
        (["--operator", "fourier"], "3 coils"),
    ],
)
def test_refusals_are_a_sentence(invdiff: Run, folder: Path, tmp_path: Path, options: list[str], words: str) -> None:
    command = "detect", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, "--quiet"
    ran = invdiff(*command, *options)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "detect.csv").exists()


def test_one_measurement_at_a_time(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    ran = invdiff("detect", folder, "--out", tmp_path)
    assert ran.code == 2
    assert "lesions are put into one" in ran.err


def test_a_folder_of_other_results_is_left_alone(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("file\n")
    ran = invdiff("detect", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path)
    assert ran.code == 2
    assert "holds scores.csv of `invdiff evaluate`" in ran.err


def test_the_same_command_gives_the_same_table(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    command = "detect", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--samples", 2, "--size", "3px"
    for name in "ab":
        assert invdiff(*command, "--out", tmp_path / name, *QUICK, "--at", "8,9").code == 0
    assert (tmp_path / "a" / "detect.csv").read_bytes() == (tmp_path / "b" / "detect.csv").read_bytes()
