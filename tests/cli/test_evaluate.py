import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from invdiff.data import read_scan, shepp_logan, simulate, write_scan
from invdiff.data.masks import random_lines
from invdiff.diffusion import Bound
from invdiff.evaluation.score_table import key
from invdiff.metrics import psnr
from invdiff.priors import load_prior, save_prior

Run = Callable[..., Any]
SHAPE = (24, 20)
PHANTOM = np.abs(shepp_logan(SHAPE))
QUICK = ("--set", "steps=2", "--samples", 1, "--acceleration", 2, "--centre-fraction", 0.3)


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measured scan of two slices and an image."""
    folder = tmp_path_factory.mktemp("scans")
    full = simulate(np.stack([PHANTOM, 0.5 * PHANTOM[::-1]]), coils=3, noise_std=0.01)
    write_scan(replace(full, ground_truth=None, maps=None), folder / "file1.h5")
    np.save(folder / "image.npy", PHANTOM)
    return folder


@pytest.fixture(scope="session")
def broken(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders that can't be compared on."""
    broken = tmp_path_factory.mktemp("broken")
    for name in ("empty", "others", "cut", "undersampled"):
        (broken / name).mkdir()
    (broken / "others" / "notes.txt").write_text("not a scan")
    (broken / "cut" / "a.h5").write_bytes((scans / "file1.h5").read_bytes())
    (broken / "cut" / "b.h5").write_bytes((scans / "file1.h5").read_bytes()[:3000])
    scan = read_scan(scans / "file1.h5")
    write_scan(replace(scan.undersample(random_lines(SHAPE, 2, 0.3)), name="x"), broken / "undersampled" / "a.h5")
    header = "file,slice,study_level,x,y,width,height,label\n"
    (broken / "elsewhere.csv").write_text(header + "file7,0,No,1,1,2,2,tear\n")
    (broken / "outside.csv").write_text(header + "file1,0,No,50,1,2,2,tear\n")
    (broken / "none.csv").write_text("a,b\n")
    (broken / "file").write_text("a file")
    return broken


def evaluate(
    invdiff: Run, folder: Path, scans: Path, out: Path, *options: object, code: int = 0
) -> tuple[Any, list[dict[str, str]]]:
    ran = invdiff("evaluate", scans, "--prior", folder / "prior.safetensors", "--out", out, *QUICK, *options)
    assert ran.code == code, ran.err
    assert results(out) == ["psnr.png", "scores.csv"]
    return ran, read_rows(out)


def results(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if not path.name.startswith("."))


def read_rows(out: Path) -> list[dict[str, str]]:
    with (out / "scores.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_everything_asked_for(invdiff: Run, folder: Path, scans: Path, tmp_path: Path) -> None:
    annotations = tmp_path / "knee.csv"
    annotations.write_text(
        "file,slice,study_level,x,y,width,height,label\nfile1,1,No,6,6,8,8,Meniscus Tear\nfile9,1,No,6,6,8,8,Other\n"
    )
    ran, rows = evaluate(
        invdiff, folder, scans, tmp_path / "out",
        *("--method", "fast", "--method", "song2021", "--baseline", "zero-filled", "--mask", "random"),
        *("--mask", "uniform-scoremri", "--convention", "fastmri", "--convention", "song"),
        *("--annotations", annotations, "--set", "song2021.snr=0.3", "--seed", 3),
    )  # fmt: skip
    methods, masks = {"fast", "song2021", "zero-filled"}, {"random", "uniform-scoremri"}
    assert {(row["method"], row["mask"]) for row in rows} == {(method, mask) for method in methods for mask in masks}
    here = [row for row in rows if (row["method"], row["mask"]) == ("song2021", "random")]
    assert [(row["file"], row["convention"], row["slice"], row["region"]) for row in here] == [
        ("file1.h5", "fastmri", "", ""),
        ("file1.h5", "fastmri", "1", "Meniscus Tear"),
        ("file1.h5", "song", "0", ""),
        ("file1.h5", "song", "1", ""),
        ("file1.h5", "song", "1", "Meniscus Tear"),
        ("image.npy", "fastmri", "", ""),
        ("image.npy", "song", "0", ""),
    ]
    assert len(rows) == 7 * 6
    for row in here:
        assert "steps=2 " in row["settings"]
        assert "snr=0.3" in row["settings"]
        assert (row["seed"], row["nfe"], row["achieved_acceleration"]) == ("3", "5", "2.0000")
    for words in ("2 file(s), 3 slice(s), measured; simulated from an image: 8 coils", "Meniscus Tear", "song2021"):
        assert words in ran.out
    assert "100%" in ran.err
    with Image.open(tmp_path / "out" / "psnr.png") as picture:
        assert picture.format == "PNG"


def test_a_row_is_what_solve_gives(invdiff: Run, folder: Path, scans: Path, tmp_path: Path) -> None:
    import h5py

    _, rows = evaluate(invdiff, folder, scans / "file1.h5", tmp_path / "out")
    command = "solve", scans / "file1.h5", "--undersample", "random", "--prior", folder / "prior.safetensors"
    assert invdiff(*command, *QUICK, "--out", tmp_path / "solve").code == 0
    with h5py.File(tmp_path / "solve" / "reconstruction.h5") as file:
        expected = psnr(file["ground_truth"][()], file["image"][()])
    (row,) = rows
    assert float(row["psnr"]) == pytest.approx(expected, abs=1e-3)


def test_the_package_scan_and_baselines_alone(invdiff: Run, tmp_path: Path) -> None:
    ran = invdiff("evaluate", "--baseline", "zero-filled", "--out", tmp_path, "--target", "rss")
    assert ran.code == 0, ran.err
    (row,) = read_rows(tmp_path)
    assert (row["file"], row["method"], row["target"]) == ("the package's brain scan", "zero-filled", "rss")


def test_an_interrupted_run_goes_on(
    invdiff: Run, folder: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(invdiff, folder, scans, tmp_path / "whole")
    out, count, draw = tmp_path / "out", 0, Bound.draw

    def interrupted(self: Bound, *args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count == 3:  # the image, after both slices of the scan
            raise KeyboardInterrupt
        return draw(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Bound, "draw", interrupted)
        ran = invdiff("evaluate", scans, "--prior", folder / "prior.safetensors", "--out", out, *QUICK)
        assert ran.code == 130
        assert f"scores so far are in {out / 'scores.csv'}" in ran.err
        assert "Traceback" not in ran.err
        ran, rows = evaluate(invdiff, folder, scans, out)
    assert count == 4  # nothing was drawn twice
    assert "1 row(s) are in" in ran.out
    assert untimed(rows) == untimed(read_rows(tmp_path / "whole"))


def untimed(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row | {"seconds": ""} for row in rows]


def test_other_weights_and_other_data_are_scored_anew(invdiff: Run, folder: Path, scans: Path, tmp_path: Path) -> None:
    prior, place = tmp_path / "prior.safetensors", tmp_path / "scans"
    place.mkdir()
    prior.write_bytes((folder / "prior.safetensors").read_bytes())
    scan = read_scan(scans / "file1.h5").select([0])
    write_scan(scan, place / "a.h5")
    command = "evaluate", place, "--prior", prior, *QUICK, "--json", "--quiet"

    def scored(out: str) -> Any:
        ran = invdiff(*command, "--out", tmp_path / out)
        assert ran.code == 0, ran.err
        (row,) = json.loads(ran.out)["rows"]
        return {**row, "seconds": ""}

    first = scored("out")
    assert scored("out") == first
    network = load_prior(prior)
    for parameter in network.network.parameters():
        parameter.data.mul_(3)
    save_prior(network, prior)
    second = scored("out")
    assert second == scored("another folder")
    assert second["psnr"] != first["psnr"]
    write_scan(replace(scan, kspace=scan.kspace[..., ::-1], mask=None), place / "a.h5")
    assert scored("out") == scored("yet another folder") != second
    assert len(read_rows(tmp_path / "out")) == 3


def test_parts_make_one_table(invdiff: Run, folder: Path, scans: Path, tmp_path: Path) -> None:
    _, whole = evaluate(invdiff, folder, scans, tmp_path / "whole", "--baseline", "zero-filled", "--method", "fast")
    parts = "--baseline", "zero-filled", "--method", "fast", "--shard"
    ran, rows = evaluate(invdiff, folder, scans, tmp_path / "out", *parts, "1/3")
    assert len(rows) == 2
    assert "this part is done; other parts are outstanding" in ran.out
    evaluate(invdiff, folder, scans, tmp_path / "out", *parts, "3/3")
    ran, rows = evaluate(invdiff, folder, scans, tmp_path / "out", *parts, "2/3")
    assert "outstanding" not in ran.out
    assert ran.out.count("means of 1 file(s)") == 2  # one for each target
    assert sorted(untimed(rows), key=key) == sorted(untimed(whole), key=key)
    ran = invdiff(
        "evaluate", scans, "--baseline", "zero-filled", "--shard", "9/9", "--out", tmp_path / "none", *QUICK[4:]
    )
    assert ran.code == 0, ran.err
    assert results(tmp_path / "none") == []


def test_a_document_of_what_another_process_computed(invdiff: Run, folder: Path, scans: Path, tmp_path: Path) -> None:
    place = scans / "image.npy"
    _, here = evaluate(invdiff, folder, place, tmp_path / "here")
    ran, rows = evaluate(invdiff, folder, place, tmp_path / "out", "--json", "--workers", 2)
    assert json.loads(ran.out) == {"command": "evaluate", "exit_status": 0, "rows": rows, "left_out": []}
    assert untimed(rows) == untimed(here)
    assert "2 processes of" in ran.err
    assert "means of 1 file(s)" in ran.err


def test_bad_files_are_left_out_when_asked(invdiff: Run, folder: Path, broken: Path, tmp_path: Path) -> None:
    ran, rows = evaluate(invdiff, folder, broken / "cut", tmp_path / "out", "--skip-bad", code=3)
    assert {row["file"] for row in rows} == {"a.h5"}
    assert "left out: " in ran.err
    assert "b.h5 can't be read" in ran.err
    assert "1 time(s)" in ran.err
    ran, _ = evaluate(invdiff, folder, broken / "cut", tmp_path / "out", "--skip-bad", "--json", code=3)
    document = json.loads(ran.out)
    assert document["exit_status"] == 3
    assert "b.h5 can't be read" in document["left_out"][0]


def test_where_everything_is_left_out_nothing_is_there(invdiff: Run, folder: Path, scans: Path, tmp_path: Path) -> None:
    options = "--skip-bad", "--mask", "uniform2d-scoremri", "--out", tmp_path / "out", *QUICK
    ran = invdiff("evaluate", scans / "file1.h5", "--prior", folder / "prior.safetensors", *options)
    assert ran.code == 2
    assert "file1.h5, uniform2d-scoremri 2x, estimate: " in ran.err
    assert "Nothing could be scored" in ran.err
    assert results(tmp_path / "out") == []


BAD_INPUT = [
    ("{broken}/empty", [], "empty is empty; give one"),
    ("{broken}/others", [], "holds no scan"),
    ("{broken}/nowhere", [], "does not exist"),
    ("{broken}/cut", [], "b.h5 can't be read"),
    ("{broken}/undersampled", [], "a.h5 is undersampled (acceleration 2.00)"),
    ("{scans}", ["--mask", "spiral"], "no mask 'spiral'; there are equispaced"),
    ("{scans}", ["--mask", "radial", "--acceleration", "1"], "1.5 or more"),
    ("{scans}", ["--mask", "uniform2d-scoremri"], "file1.h5, uniform2d-scoremri 2x, estimate: "),
    ("{scans}", ["--acceleration", "0.5"], "not 0.5"),
    ("{scans}", ["--method", "magic"], "no method 'magic'"),
    ("{scans}", ["--baseline", "magic"], "no baseline 'magic'; there are zero-filled, cg-sense, l1-wavelet, tv"),
    ("{scans}", ["--convention", "magic"], "no convention 'magic'; there are fastmri, inversebench, song"),
    ("{scans}", ["--target", "magic"], "no target 'magic'; there are mvue, rss"),
    ("{scans}", ["--set", "magic=1"], "none of the methods has a parameter 'magic'"),
    ("{scans}", ["--set", "dds.steps=1"], "those compared are estimate"),
    ("{scans}", ["--set", "estimate.tolerance=2"], "from 1e-15 to 1"),
    ("{scans}", ["--samples", "0"], "samples=0"),
    ("{scans}", ["--slice", "7"], "file1.h5 has slices 0 to 1; asked for [7]"),
    ("{scans}", ["--coils", "0"], "image.npy: A scan has at least one coil"),
    ("{scans}", ["--annotations", "{broken}/elsewhere.csv"], "none of these is among the scans"),
    ("{scans}", ["--annotations", "{broken}/outside.csv"], "lies outside the image of 24 x 20"),
    ("{scans}", ["--annotations", "{broken}/none.csv"], "no fastMRI+ table"),
    ("{scans}", ["--annotations", "{broken}/nowhere.csv"], "can't be read"),
    ("{scans}", ["--out", "{broken}/file"], "can't be made"),
    ("{scans}", ["--prior", "{broken}/nowhere.pt"], "not a file"),
    ("{scans}", ["--shard", "3/2"], "not 3/2"),
    ("{scans}", ["--device", "magic"], "no device 'magic'"),
    ("{scans}", ["--precision", "f8"], "no precision 'f8'"),
    ("{scans}", ["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "give one of them"),
]


@pytest.mark.parametrize(("place", "options", "words"), BAD_INPUT)
def test_bad_input(
    invdiff: Run, folder: Path, scans: Path, broken: Path, tmp_path: Path, place: str, options: list[str], words: str
) -> None:
    def fill(text: str) -> str:
        return text.format(broken=broken, scans=scans)

    general = "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *QUICK
    if "--acceleration" in options:
        general = general[:-4]  # they would come on top
    ran = invdiff("evaluate", fill(place), *general, *map(fill, options))
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.startswith("invdiff: ")
    assert ran.err.count("\n") == 1
    assert not list(tmp_path.rglob("*.*"))
