"""``invdiff solve`` by default: the best image, written at once, then samples that show what is uncertain."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from invdiff.cli.solve import QUALITY
from invdiff.data import Scan, read_picture, read_scan, shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced
from invdiff.methods import METHODS, OF_VOLUMES
from invdiff.priors import load_prior
from invdiff.reconstruction import picture_cases, read_reconstructed, reconstruct, scan_cases
from invdiff.reconstruction.course import PARTS

Run = Callable[..., Any]
Interrupt = Callable[[pytest.MonkeyPatch, int], None]
Found = dict[str, Any]
QUICK = ("--set", "steps=3", "--precision", "f32", "--no-audit")


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples beside an estimate take the defaults of their method, which are many steps."""
    drawn = METHODS["calibrated"]
    monkeypatch.setitem(METHODS, "calibrated", replace(drawn, build=partial(drawn.build, steps=4)))


def arguments(folder: Path, path: Path, out: Path, *options: object) -> tuple[object, ...]:
    return "solve", path, "--prior", folder / "prior.safetensors", "--out", out, *QUICK, *options


def result(out: Path) -> Found:
    with h5py.File(out / "reconstruction.h5") as file:
        return {**{name: array[()] for name, array in file.items()}, "attributes": dict(file.attrs)}


def solve(invdiff: Run, folder: Path, path: Path, out: Path, *options: object) -> Found:
    """What a run that must succeed leaves behind."""
    ran = invdiff(*arguments(folder, path, out, *options))
    assert ran.code == 0, ran.err
    found = result(out)
    sheet = ["slices.png"] if len(found["image"]) > 1 else []
    assert sorted(path.name for path in out.iterdir()) == ["panel.png", "reconstruction.h5", *sheet]
    return found


@pytest.mark.parametrize(
    ("name", "operator", "is_real"),
    [
        ("sense.h5", "sense", False),
        ("inpainting.h5", "inpainting", True),
        ("denoise.npz", "denoise", False),
        ("denoise.png", "denoise", True),
    ],
)
def test_the_image_is_the_library_s_and_the_samples_are_those_of_calibrated(
    invdiff: Run, folder: Path, tmp_path: Path, name: str, operator: str, is_real: bool
) -> None:
    found = solve(invdiff, folder, folder / name, tmp_path / "a", "--operator", operator, "--samples", 1, "--seed", 4)
    cases = (
        scan_cases(read_scan(folder / name), operator)
        if operator in ("sense", "fourier")
        else picture_cases(read_picture(folder / name), operator)
    )
    prior = load_prior(folder / "prior.safetensors")
    for dataset, method, settings in (("estimate", "estimate", {"steps": "3"}), ("samples", "calibrated", {})):
        sampler = METHODS[method].with_settings({**OF_VOLUMES, **settings}, is_complex=cases.is_complex)
        expected = reconstruct(cases, sampler, prior, samples=1, seed=4).samples
        np.testing.assert_array_equal(found[dataset], expected if dataset == "samples" else expected[:, 0])
        other = reconstruct(cases, sampler, prior, samples=1, seed=5).samples
        assert (other != expected).any()
    np.testing.assert_array_equal(found["image"], found["estimate"])
    assert (not found["image"].imag.any()) == is_real
    assert (found["image"] != found["mean"]).any()


@pytest.mark.parametrize("samples", [0, 1, 4])
def test_samples_are_drawn_beside_it(invdiff: Run, folder: Path, tmp_path: Path, samples: int) -> None:
    found = solve(invdiff, folder, folder / "fourier.h5", tmp_path, "--operator", "fourier", "--samples", samples)
    attributes = found.pop("attributes")
    assert (attributes["method"], attributes["nfe"], attributes["precision"]) == ("estimate", 3, "f32")
    assert attributes["settings"] == "{'steps': '3'}"
    assert "HalfQuadratic" in attributes["sampler"]
    of_samples = {"samples", "mean", "std"} if samples else set()
    of_samples |= {"magnitude_std", "lower", "upper"} if samples > 1 else set()
    courses = {f"{name}_{part}" for name in ("estimate", "samples")[: 1 + bool(samples)] for part in PARTS}
    images = {"image", "estimate", "zero_filled", "slice", "scale", "noise_std", "sampled"}
    assert set(found) == images | courses | of_samples
    assert all(np.isfinite(array).all() for name, array in found.items() if not name.endswith("_change"))
    if not samples:
        assert not any(name.startswith("samples_") for name in attributes)
        return
    assert (attributes["samples_method"], attributes["samples_nfe"]) == ("calibrated", 4)
    assert "ExchangedNoise" in attributes["samples_sampler"]
    assert found["samples"].shape == (1, samples, 24, 20)
    assert found["std"].any() == (samples > 1)


def test_by_default_there_are_four(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    found = solve(invdiff, folder, folder / "fourier.h5", tmp_path, "--operator", "fourier")
    assert found["samples"].shape[1] == 4


# Quality


@pytest.mark.parametrize("name", ["draft", "standard"])
def test_quality_is_the_number_of_network_calls(invdiff: Run, folder: Path, tmp_path: Path, name: str) -> None:
    command = "solve", folder / "fourier.h5", "--operator", "fourier", "--prior", folder / "prior.safetensors"
    assert invdiff(*command, "--out", tmp_path, "--samples", 0, "--quality", name).code == 0
    attributes = result(tmp_path)["attributes"]
    assert attributes["nfe"] == QUALITY[name]
    assert attributes["settings"] == f"{{'steps': '{QUALITY[name]}'}}"


def test_better_quality_takes_more_calls_and_standard_is_the_default() -> None:
    assert list(QUALITY.values()) == sorted(QUALITY.values())
    assert METHODS["estimate"].build().nfe == QUALITY["standard"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--quality", "superb"], "no quality 'superb'; there are draft, standard, high, best"),
        (["--quality", "draft", "--set", "steps=3"], "give it without --set steps"),
        (["--quality", "draft", "--method", "fast"], "number of steps of an estimate"),
        (["--samples", "-1"], "Invalid value for '--samples'"),
        (["--samples", "0", "--method", "fast"], "samples=0"),
        (["--precision", "fp8"], "no precision 'fp8'; there are auto, f32, bf16"),
        (["--set", "held_back=0"], "held_back is the least noise of the data"),
    ],
)
def test_requests_that_make_no_sense_are_refused_at_once(
    invdiff: Run,
    folder: Path,
    tmp_path: Path,
    options: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    interrupt_after: Interrupt,
) -> None:
    interrupt_after(monkeypatch, 0)
    prior = "--prior", folder / "prior.safetensors"
    ran = invdiff("solve", folder / "sense.h5", *prior, "--out", tmp_path, *options)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert not list(tmp_path.iterdir())


def test_a_precision_that_the_machine_lacks_is_refused(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False}, raising=False)
    ran = invdiff(*arguments(folder, folder / "sense.h5", tmp_path, "--precision", "bf16"))
    assert ran.code == 2
    assert ran.err == "invdiff: This cpu has no instructions for bfloat16; take the precision f32, or auto.\n"


# Interrupted


TWO_SLICES_TWO_SAMPLES = ("--samples", 2)
WRITTEN = ["panel.png", "reconstruction.h5", "slices.png", "units"]
KEPT = {0: [], 1: ["units"], 2: WRITTEN, 3: WRITTEN, 5: WRITTEN}
"""Of two estimates and four samples, what is in the folder when so many are made."""


@pytest.mark.parametrize("finished", KEPT)
def test_what_is_made_is_kept_and_the_image_written_before_a_sample_is_drawn(
    invdiff: Run,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupt_after: Interrupt,
    finished: int,
) -> None:
    whole = solve(invdiff, folder, folder / "sense.h5", tmp_path / "whole", *TWO_SLICES_TWO_SAMPLES)
    out = tmp_path / "out"
    command = arguments(folder, folder / "sense.h5", out, *TWO_SLICES_TWO_SAMPLES)
    with monkeypatch.context() as patch:
        interrupt_after(patch, finished)
        ran = invdiff(*command)
    assert ran.code == 130
    assert "Traceback" not in ran.err
    assert sorted(path.name for path in out.iterdir()) == KEPT[finished]
    if finished >= 2:
        np.testing.assert_array_equal(read_reconstructed(out / "reconstruction.h5"), whole["image"])
        assert "samples" not in result(out)
        assert "the image; samples that show its uncertainty follow" in ran.out

    with monkeypatch.context() as patch:
        interrupt_after(patch, 6 - finished)  # what is left to make
        resumed = solve(invdiff, folder, folder / "sense.h5", out, *TWO_SLICES_TWO_SAMPLES)
    for name in ("image", "samples"):
        np.testing.assert_array_equal(resumed[name], whole[name])

    with monkeypatch.context() as patch:
        interrupt_after(patch, 0)  # a result that is whole is not made again
        assert "was there already" in invdiff(*command).out
        interrupt_after(patch, 5)  # of what is finished nothing is left when the result is safe
        (out / "reconstruction.h5").unlink()
        assert invdiff(*command).code == 130


@pytest.mark.parametrize("lost", [0, 3])
def test_without_what_was_kept_it_is_made_again(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt_after: Interrupt, lost: int
) -> None:
    command = arguments(folder, folder / "sense.h5", tmp_path, *TWO_SLICES_TWO_SAMPLES)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        assert invdiff(*command).code == 130
    sorted((tmp_path / "units").glob("*.npz"))[lost].unlink()
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        assert invdiff(*command).code == 130
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        assert invdiff(*command).code == 0


# Slices of which nothing was seen


def volume(*empty: int) -> Scan:
    """Three slices, some of them padding."""
    image = np.abs(shepp_logan((24, 20)))
    scan = simulate(
        np.stack([image, image[::-1], 0.5 * image]), coils=3, mask=equispaced((24, 20), 2, 8), noise_std=0.01
    )
    kspace = scan.kspace.copy()
    kspace[list(empty)] = 0
    return replace(scan, kspace=kspace, ground_truth=None, mask=scan.sampled)


@pytest.mark.parametrize("empty", [(1,), (0, 2)])
def test_empty_slices_are_zero_and_the_others_as_without(
    invdiff: Run, folder: Path, tmp_path: Path, empty: tuple[int, ...]
) -> None:
    write_scan(volume(), tmp_path / "whole.h5")
    write_scan(volume(*empty), tmp_path / "padded.h5")
    whole = solve(invdiff, folder, tmp_path / "whole.h5", tmp_path / "a", "--samples", 2)
    padded = solve(invdiff, folder, tmp_path / "padded.h5", tmp_path / "b", "--samples", 2)
    left = [index for index in range(3) if index not in empty]
    for name in ("image", "estimate", "samples", "mean", "std", "zero_filled"):
        assert not padded[name][list(empty)].any()
        np.testing.assert_array_equal(padded[name][left], whole[name][left])
        assert whole[name].any(axis=tuple(range(1, whole[name].ndim))).all()
    for name in ("scale", "noise_std"):
        assert np.isnan(padded[name][list(empty)]).all()
        np.testing.assert_array_equal(padded[name][left], whole[name][left])


@pytest.mark.parametrize(("empty", "named"), [((1,), "slice 1"), ((0, 2), "slices 0, 2")])
def test_they_are_named(invdiff: Run, folder: Path, tmp_path: Path, empty: tuple[int, ...], named: str) -> None:
    write_scan(volume(*empty), tmp_path / "padded.h5")
    ran = invdiff(*arguments(folder, tmp_path / "padded.h5", tmp_path / "out", "--samples", 0))
    assert f"3 slice(s) (empty: {named}) of 24 x 20" in ran.out


def test_nothing_but_empty_slices_is_refused(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    scan = volume(0, 2)
    assert scan.maps is not None
    deaf = scan.maps.copy()
    deaf[1] = 0
    write_scan(replace(scan, maps=deaf, mask=scan.sampled), tmp_path / "padded.h5")
    ran = invdiff(*arguments(folder, tmp_path / "padded.h5", tmp_path / "out"))
    assert ran.code == 2
    assert ran.err.endswith("padded.h5: every slice is empty, so there is nothing to reconstruct.\n")
