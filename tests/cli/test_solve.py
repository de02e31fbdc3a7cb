import pickle
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from invdiff.data import read_picture, read_scan
from invdiff.data.masks import MASKS
from invdiff.diffusion import LateStart, Soss
from invdiff.methods import METHODS, OF_VOLUMES
from invdiff.priors import load_prior
from invdiff.reconstruction import picture_cases, reconstruct, scan_cases

Run = Callable[..., Any]
Interrupt = Callable[[pytest.MonkeyPatch, int], None]
QUICK = ("--method", "fast", "--set", "steps=3", "--samples", 2, "--no-audit")


def solve(invdiff: Run, folder: Path, name: str, out: Path, *options: object) -> dict[str, Any]:
    """What a run that must succeed leaves behind."""
    ran = invdiff("solve", folder / name, "--prior", folder / "prior.safetensors", "--out", out, *QUICK, *options)
    assert ran.code == 0, ran.err
    with h5py.File(out / "reconstruction.h5") as file:
        sheet = ["slices.png"] if len(file["image"]) > 1 else []
        assert sorted(path.name for path in out.iterdir()) == ["panel.png", "reconstruction.h5", *sheet]
        return {**{key: value[()] for key, value in file.items()}, "attributes": dict(file.attrs)}


@pytest.mark.parametrize(
    ("name", "operator", "slices", "truth"),
    [
        ("sense.h5", "sense", 2, False),
        ("truth.h5", "sense", 1, True),
        ("fourier.h5", "fourier", 1, False),
        ("inpainting.npz", "inpainting", 1, False),
        ("inpainting.h5", "inpainting", 1, True),
        ("denoise.png", "denoise", 1, False),
        ("denoise.npy", "denoise", 1, False),
        ("denoise.npz", "denoise", 1, True),
    ],
)
def test_results(
    invdiff: Run, folder: Path, tmp_path: Path, name: str, operator: str, slices: int, truth: bool
) -> None:
    found = solve(invdiff, folder, name, tmp_path / "a", "--operator", operator, "--seed", 5)
    image, samples = (slices, 24, 20), (slices, 2, 24, 20)
    of_samples = {"mean": (image, "c8"), "std": (image, "f4"), "samples": (samples, "c8"), "zero_filled": (image, "c8")}
    of_samples |= dict.fromkeys(("magnitude_std", "lower", "upper"), (image, "f4"))
    expected = {"image": (image, "c8"), **of_samples, "sampled": ((24, 20), "b1")}
    expected |= {"samples_sigma": ((slices, 3), "f4")}
    expected |= dict.fromkeys(("samples_change", "samples_residual"), ((slices, 2, 3), "f4"))
    if truth:
        expected["ground_truth"] = (image, "c8")
    attributes = found.pop("attributes")
    numbers = {name: found.pop(name) for name in ("slice", "scale", "noise_std")}
    assert {key: (value.shape, value.dtype.str[1:]) for key, value in found.items()} == expected
    assert np.isnan(found["samples_change"][..., 0]).all()  # nothing was there before
    found["samples_change"] = found["samples_change"][..., 1:]
    np.testing.assert_allclose(found["mean"], found["samples"].mean(1), rtol=1e-5)
    np.testing.assert_array_equal(found["image"], found["mean"])
    half = np.abs(found["samples"][:, 1] - found["samples"][:, 0]) / 2
    np.testing.assert_allclose(found["std"], half * 2**0.5, atol=1e-6 * np.abs(found["mean"]).max())
    assert all(np.isfinite(value).all() for value in found.values())
    assert np.median(found["std"]) > 1e-3 * np.abs(found["mean"]).max()

    mathematics = {"sense": "P(Λ) F S", "fourier": "P(Λ) F", "inpainting": "P(Λ)", "denoise": "I"}
    assert attributes["operator"] == mathematics[operator]
    assert (attributes["method"], attributes["seed"], attributes["nfe"]) == ("fast", 5, 3)
    assert numbers["scale"].shape == numbers["noise_std"].shape == (slices,)
    assert (numbers["scale"] > 0).all()
    assert (numbers["slice"] == range(slices)).all()
    assert attributes["torch_version"] == version("torch")
    assert attributes["invdiff_version"] == version("invdiff")
    with Image.open(tmp_path / "a" / "panel.png") as panel:
        panel.verify()
        assert panel.format == "PNG"


def test_seeds(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    runs = [
        solve(invdiff, folder, "denoise.npz", tmp_path / str(i), "--operator", "denoise", "--seed", seed)["samples"]
        for i, seed in enumerate([5, 5, 6])
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


@pytest.mark.parametrize("method", list(METHODS))
def test_methods(invdiff: Run, folder: Path, tmp_path: Path, method: str) -> None:
    """Each with the coils, and the prior, that it is for."""
    operator = "sense" if isinstance(METHODS[method].build().view, Soss) else "fourier"
    prior = "conditional" if METHODS[method].prior == "mc_ddpm" else "prior"
    options = "--operator", operator, "--method", method, "--prior", folder / f"{prior}.safetensors"
    steps = 30 if method == "score_sde" else 3  # fewer end far from any image
    found = solve(invdiff, folder, f"{operator}.h5", tmp_path / "out", *options, "--set", f"steps={steps}")
    assert found["attributes"]["method"] == method
    assert found["attributes"]["settings"] == f"{{'steps': '{steps}'}}"
    assert np.isfinite(found["samples"]).all()


@pytest.mark.parametrize(
    ("options", "start", "nfe"),
    [
        (["--start", "zero-filled", "--start-sigma", "0.1"], "LateStart(sigma=0.1, time=None, image='zero-filled')", 2),
        (["--start-sigma", "0.02"], "LateStart(sigma=0.02, time=None, image='zero-filled')", 1),
        (
            ["--start", "least-squares", "--start-sigma", "2"],
            "LateStart(sigma=2.0, time=None, image='least-squares')",
            3,
        ),
        (["--start-time", "0.8"], "LateStart(sigma=None, time=0.8, image='zero-filled')", 2),
    ],
)
def test_late_starts(invdiff: Run, folder: Path, tmp_path: Path, options: list[str], start: str, nfe: int) -> None:
    """Of the levels 0.35, 0.086 and 0.015, those from the start on."""
    found = solve(invdiff, folder, "fourier.h5", tmp_path / "late", "--operator", "fourier", *options)
    assert start in found["attributes"]["sampler"]
    assert found["attributes"]["nfe"] == nfe
    begun = solve(invdiff, folder, "fourier.h5", tmp_path / "noise", "--operator", "fourier")
    assert "FromNoise" in begun["attributes"]["sampler"]
    assert (begun["samples"] != found["samples"]).any()


def test_a_prior_of_real_images_serves_a_method_made_for_two_channels(
    invdiff: Run, folder: Path, tmp_path: Path
) -> None:
    options = "--operator", "sense", "--method", "dds", "--prior", folder / "one.safetensors"
    found = solve(invdiff, folder, "sense.h5", tmp_path, *options)
    assert "SplitComplex" in found["attributes"]["sampler"]


@pytest.mark.parametrize("name", ["sense.h5", "denoise.png"])
def test_a_late_start_from_another_run(invdiff: Run, folder: Path, tmp_path: Path, name: str) -> None:
    """The command does what the library does with the image of that run."""
    operator = "sense" if name == "sense.h5" else "denoise"
    before = solve(invdiff, folder, name, tmp_path / "before", "--operator", operator)
    begun = tmp_path / "before" / "reconstruction.h5"
    found = solve(
        invdiff, folder, name, tmp_path / "after", "--operator", operator, "--start", begun, "--start-sigma", 0.5
    )
    if operator == "sense":
        cases = scan_cases(read_scan(folder / name), operator)
    else:
        cases = picture_cases(read_picture(folder / name), operator)
    sampler = replace(
        METHODS["fast"].with_settings({**OF_VOLUMES, "steps": "3"}, is_complex=cases.is_complex),
        start=LateStart(0.5, image="initial"),
    )
    prior = load_prior(folder / "prior.safetensors").in_precision("auto")
    expected = reconstruct(replace(cases, initial=before["image"]), sampler, prior, samples=2)
    np.testing.assert_array_equal(found["samples"], expected.samples)
    other = reconstruct(replace(cases, initial=2 * before["image"]), sampler, prior, samples=2)
    assert (found["samples"] != other.samples).any()


def test_scores_are_printed_where_the_truth_is_known(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    prior = folder / "prior.safetensors"
    ran = invdiff("solve", folder / "truth.h5", "--prior", prior, "--out", tmp_path, *QUICK)
    for words in ("truth.h5: 1 slice(s) of 24 x 20, 3 coils", "zero-filled", "mean of 2"):
        assert words in ran.out
    assert "100%" in ran.err


def test_formats_of_a_prior_agree(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    assert invdiff("convert", folder / "prior.safetensors", tmp_path / "prior.pt").code == 0
    found = solve(invdiff, folder, "fourier.h5", tmp_path / "a", "--operator", "fourier")
    options = "--operator", "fourier", "--prior", tmp_path / "prior.pt"
    np.testing.assert_array_equal(
        solve(invdiff, folder, "fourier.h5", tmp_path / "b", *options)["samples"], found["samples"]
    )


def test_samples_do_not_depend_on_how_many_there_are(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    two = solve(invdiff, folder, "sense.h5", tmp_path / "a")
    three = solve(invdiff, folder, "sense.h5", tmp_path / "b", "--samples", 3)
    np.testing.assert_array_equal(three["samples"][:, :2], two["samples"])
    one = solve(invdiff, folder, "sense.h5", tmp_path / "c", "--samples", 1)
    assert (one["std"] == 0).all()


def test_samples_are_judged_by_what_was_held_back(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    ran = invdiff("solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, *QUICK[:-1])
    assert ran.code == 0
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        verdict = file.attrs["audit_verdict"]
        assert file["samples"].shape == file["samples_uncorrected"].shape
        assert (file["samples"][()] != file["samples_uncorrected"][()]).any()
    for sentence in verdict.splitlines():
        assert f"audit: {sentence}" in ran.out


def test_settings_reach_the_method(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    default = solve(invdiff, folder, "denoise.npz", tmp_path / "a", "--operator", "denoise")
    eta = solve(invdiff, folder, "denoise.npz", tmp_path / "b", "--operator", "denoise", "--set", "eta=0.5")
    assert (eta["samples"] != default["samples"]).any()
    assert "Renoise(eta=0.5)" in eta["attributes"]["sampler"]
    loud = solve(invdiff, folder, "denoise.npz", tmp_path / "c", "--operator", "denoise", "--noise-std", 0.2)
    assert loud["noise_std"] == pytest.approx([0.2])
    assert (loud["samples"] != default["samples"]).any()


def test_undersampling(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    options = "--undersample", "gaussian", "--acceleration", 3, "--centre-fraction", 0.2, "--seed", 4
    found = solve(invdiff, folder, "sense.h5", tmp_path / "a", *options)
    full = solve(invdiff, folder, "sense.h5", tmp_path / "b")
    scan = read_scan(folder / "sense.h5")
    kept = scan.undersample(MASKS["gaussian"]((24, 20), 3, 0.2, 4))
    assert kept.sampled.sum() < scan.sampled.sum()
    assert np.linalg.norm(found["zero_filled"]) < np.linalg.norm(full["zero_filled"])


def test_full_data_of_measured_coils_are_the_truth(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kspace = rng.standard_normal((1, 24, 20)) + 1j * rng.standard_normal((1, 24, 20))
    np.savez(tmp_path / "full.npz", kspace=kspace)
    options = "--operator", "fourier", "--undersample", "random", "--acceleration", 2
    found = solve(invdiff, tmp_path / "full.npz", "", tmp_path / "a", *options, "--prior", folder / "prior.safetensors")
    back = np.fft.ifftshift(np.fft.fft2(np.fft.fftshift(found["ground_truth"], (1, 2)), norm="ortho"), (1, 2))
    np.testing.assert_allclose(back, kspace, atol=1e-4)


def test_an_interrupted_run_goes_on(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt_after: Interrupt
) -> None:
    whole = solve(invdiff, folder, "sense.h5", tmp_path / "whole")
    out = tmp_path / "out"
    command = "solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", out, *QUICK
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        ran = invdiff(*command)
    assert ran.code == 130
    assert f"finished samples are in {out / 'units'}" in ran.err
    assert "Traceback" not in ran.err
    assert [path.name for path in out.iterdir()] == ["units"]
    assert len(list((out / "units").glob("*.npz"))) == 3

    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)  # the fourth sample alone is left to draw
        resumed = solve(invdiff, folder, "sense.h5", out)
    np.testing.assert_array_equal(resumed["samples"], whole["samples"])
    assert resumed["attributes"]["nfe"] == whole["attributes"]["nfe"]

    with monkeypatch.context() as patch:
        interrupt_after(patch, 0)  # it is there
        again = invdiff(*command)
        assert (again.code, "was there already" in again.out) == (0, True)
        interrupt_after(patch, 1)
        assert invdiff(*command, "--seed", 8, "--force").code == 130
    other = solve(invdiff, folder, "sense.h5", out, "--seed", 9, "--force")  # does not take what another seed has kept
    assert (other["samples"] != whole["samples"]).any(axis=(2, 3)).all()


def test_an_interrupt_before_the_first_sample_promises_nothing(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt_after: Interrupt
) -> None:
    interrupt_after(monkeypatch, 0)
    ran = invdiff("solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, *QUICK)
    assert (ran.code, ran.err) == (130, "")
    assert not list(tmp_path.iterdir())


def test_samples_survive_a_result_that_can_not_be_written(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reconstruction.h5").mkdir()
    ran = invdiff("solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, *QUICK)
    assert ran.code == 2
    assert "reconstruction.h5 is a folder" in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reconstruction.h5", "units"]


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture(scope="session")
def broken(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that can't be reconstructed, each in its own way."""
    broken = tmp_path_factory.mktemp("broken")
    with h5py.File(folder / "sense.h5") as file:
        good = {key: value[()] for key, value in file.items()}
    unsampled = int(np.flatnonzero(good["mask"] == 0)[0])
    stray, holed = good["kspace"].copy(), good["kspace"].copy()
    stray[..., unsampled] = 1
    holed[0, 0, 3, 10] = np.nan
    single = good["kspace"][:, :1]
    for name, changes in {
        "shape": {"kspace": good["kspace"][0, 0]},
        "maps": {"sensitivity_maps": good["sensitivity_maps"][..., 1:]},
        "mask": {"mask": good["mask"][1:]},
        "disagree": {"kspace": stray},
        "zero": {"kspace": 0 * good["kspace"]},
        "nan": {"kspace": holed},
        "real": {"kspace": good["kspace"].real},
        "truth": {"ground_truth": np.zeros((2, 24, 20))},
        "deaf": {"sensitivity_maps": 0 * good["sensitivity_maps"]},
        "corner": {"kspace": single[..., :2, :2], "mask": None, "sensitivity_maps": None,
                   "noise_std": None},
        "none": {"kspace": None},
    }.items():  # fmt: skip
        with h5py.File(broken / f"{name}.h5", "w") as file:
            file.update({key: value for key, value in (good | changes).items() if value is not None})
    image, known = np.ones((24, 20)), np.zeros((24, 20), bool)
    for name, datasets in {
        "dark": {"image": 0 * image},
        "unknown": {"image": image, "mask": known},
        "sparse": {"image": image, "mask": np.eye(24, 20)},
        "mask": {"image": image, "mask": known[1:]},
        "nan": {"image": image * np.nan},
        "truth": {"image": image, "ground_truth": 0 * image},
        "noise": {"image": image, "noise_std": -1.0},
        "text": {"image": np.array("text")},
        "huge": {"image": 1e300 * image},
    }.items():
        np.savez(broken / f"{name}.npz", **datasets)
    np.save(broken / "array.npy", image)
    (broken / "array.npy").rename(broken / "array.npz")
    np.savez(broken / "pickle.npz", image=np.array([Hostile(broken / "hacked")], dtype=object))
    for whole in ("sense.h5", "denoise.npz", "denoise.png", "prior.safetensors"):
        content = (folder / whole).read_bytes()
        (broken / f"cut-{whole}").write_bytes(content[: len(content) // 2])
    with h5py.File(broken / "group.h5", "w") as file:
        file.create_group("image")
    with h5py.File(broken / "one-image.h5", "w") as file:
        file["image"] = image[None]
    with h5py.File(broken / "nan-image.h5", "w") as file:
        file["image"] = np.full((2, 24, 20), np.nan)
    (broken / "hostile.pt").write_bytes(pickle.dumps(Hostile(broken / "hacked")))
    torch.save({"config": "{}", "state": {"weight": torch.ones(3)}}, broken / "foreign.pt")
    torch.save({"weight": torch.ones(3)}, broken / "plain.pt")
    (broken / "file").write_text("a file")
    return broken


BAD_INPUT = [
    ("sense", "{broken}/shape.h5", [], "maps has shape (2, 3, 24, 20)"),
    ("sense", "{broken}/maps.h5", [], "maps has shape (2, 3, 24, 19)"),
    ("sense", "{broken}/mask.h5", [], "mask has shape (19,)"),
    ("sense", "{broken}/disagree.h5", [], "24 of 480 k-space positions hold signal"),
    ("sense", "{broken}/zero.h5", [], "zero everywhere"),
    ("sense", "{broken}/nan.h5", [], "kspace of shape (2, 3, 24, 20) holds NaN"),
    ("sense", "{broken}/real.h5", [], "does not tell coils from slices"),
    ("sense", "{broken}/truth.h5", [], "ground_truth is zero everywhere"),
    ("sense", "{broken}/deaf.h5", [], "maps are zero everywhere"),
    ("fourier", "{broken}/corner.h5", [], "too few samples"),
    ("sense", "{broken}/none.h5", [], "no dataset 'kspace'; it holds mask (20,)"),
    ("sense", "{broken}/cut-sense.h5", [], "cut short"),
    ("sense", "{broken}/nowhere.h5", [], "does not exist"),
    ("sense", "{folder}/denoise.png", [], "holds PNG; scans are read from"),
    ("fourier", "{folder}/sense.h5", [], "3 coils"),
    ("inpainting", "{folder}/denoise.npz", [], "no dataset 'mask'"),
    ("inpainting", "{folder}/sense.h5", [], "no dataset 'image'"),
    ("inpainting", "{broken}/unknown.npz", [], "no pixel is known"),
    ("inpainting", "{broken}/sparse.npz", [], "too few known pixels"),
    ("inpainting", "{broken}/mask.npz", [], "mask has shape (23, 20)"),
    ("denoise", "{broken}/dark.npz", [], "zero everywhere"),
    ("denoise", "{broken}/nan.npz", [], "NaN or infinity"),
    ("denoise", "{broken}/huge.npz", [], "NaN or infinity"),
    ("denoise", "{broken}/truth.npz", [], "ground_truth is zero everywhere"),
    ("denoise", "{broken}/noise.npz", [], "noise_std is -1.0"),
    ("denoise", "{broken}/text.npz", [], "not numbers"),
    ("denoise", "{broken}/pickle.npz", [], "can't be read"),
    ("denoise", "{broken}/cut-denoise.npz", [], "can't be read"),
    ("denoise", "{broken}/cut-denoise.png", [], "can't be read"),
    ("denoise", "{broken}/group.h5", [], "no dataset 'image'"),
    ("denoise", "{broken}/nowhere.npz", [], "does not exist"),
    ("sense", "{folder}/sense.h5", ["--prior", "{broken}/foreign.pt"], "configuration"),
    ("sense", "{folder}/sense.h5", ["--prior", "{broken}/plain.pt"], "neither"),
    ("sense", "{folder}/sense.h5", ["--prior", "{broken}/hostile.pt"], "never run"),
    ("sense", "{folder}/sense.h5", ["--prior", "{broken}/cut-prior.safetensors"], "whole safetensors"),
    ("sense", "{folder}/sense.h5", ["--prior", "{broken}/nowhere.pt"], "not a file"),
    (
        "sense",
        "{folder}/sense.h5",
        ["--prior", "{folder}/one.safetensors", "--method", "dds", "--set", "signal=two"],
        "network 2 channel(s)",
    ),
    ("spiral", "{folder}/sense.h5", [], "no operator 'spiral'; there are sense, fourier, non-cartesian, inpainting"),
    ("sense", "{folder}/sense.h5", ["--method", "magic"], "no method 'magic'; there are jalal2021"),
    ("sense", "{folder}/sense.h5", ["--set", "magic=1"], "no parameter magic; it has steps"),
    ("sense", "{folder}/sense.h5", ["--set", "steps=many"], "which 'many' is not"),
    ("sense", "{folder}/sense.h5", ["--set", "steps"], "KEY=VALUE"),
    ("sense", "{folder}/sense.h5", ["--set", "steps=0"], "number of noise levels, from 1"),
    ("sense", "{folder}/sense.h5", ["--set", "eta=2"], "from 0 to 1"),
    ("sense", "{folder}/sense.h5", ["--set", "signal=sound"], "one of real, split, two"),
    ("fourier", "{folder}/fourier.h5", ["--method", "chung2022_soss"], "image of every coil"),
    ("sense", "{folder}/sense.h5", ["--method", "mc_ddpm"], "needs a prior that knows the unsampled k-space"),
    ("sense", "{folder}/sense.h5", ["--start", "zero-filled"], "give one of sigma and time"),
    ("sense", "{folder}/sense.h5", ["--start-sigma", "1", "--start-time", "0.5"], "give one of sigma and time"),
    ("sense", "{folder}/sense.h5", ["--start-time", "1.5"], "from 0 to 1, but got 1.5"),
    ("sense", "{folder}/sense.h5", ["--start-sigma", "0.01"], "lowest level has sigma 0.015, so nothing is left"),
    ("sense", "{folder}/sense.h5", ["--start-sigma", "nan"], "zero or more, but got nan"),
    ("sense", "{folder}/sense.h5", ["--start", "{folder}/sense.h5", "--start-sigma", "1"], "no dataset 'image'"),
    ("sense", "{folder}/sense.h5", ["--start", "{broken}/nowhere.h5", "--start-sigma", "1"], "does not exist"),
    ("sense", "{folder}/sense.h5", ["--start", "{broken}/file", "--start-sigma", "1"], "can't be read as HDF5"),
    ("sense", "{folder}/sense.h5", ["--start", "{broken}", "--start-sigma", "1"], "is a folder; give"),
    ("sense", "{folder}/sense.h5", ["--start", "zerofilled", "--start-sigma", "1"], "zerofilled does not exist"),
    (
        "sense",
        "{folder}/sense.h5",
        ["--start", "{broken}/one-image.h5", "--start-sigma", "1"],
        "have shape (1, 24, 20)",
    ),
    (
        "sense",
        "{folder}/sense.h5",
        ["--start", "{broken}/nan-image.h5", "--start-sigma", "1"],
        "initial image holds NaN",
    ),
    ("sense", "{folder}/sense.h5", ["--samples", "0"], "samples=0"),
    ("sense", "{folder}/sense.h5", ["--noise-std", "-1"], "noise_std is -1.0"),
    ("denoise", "{folder}/denoise.npy", ["--noise-std", "nan"], "noise_std is nan"),
    ("sense", "{folder}/sense.h5", ["--undersample", "spiral"], "no mask 'spiral'; there are equispaced"),
    ("sense", "{folder}/sense.h5", ["--undersample", "random", "--acceleration", "0.5"], "not 0.5"),
    ("denoise", "{folder}/denoise.npy", ["--undersample", "random"], "--undersample is for k-space"),
    ("sense", "{folder}/sense.h5", ["--out", "{broken}/file"], "can't be made"),
    ("sense", "{folder}/sense.h5", ["--out", "{broken}/file/below"], "can't be made"),
]


@pytest.mark.parametrize(("operator", "name", "options", "words"), BAD_INPUT)
def test_bad_input(
    invdiff: Run, folder: Path, broken: Path, tmp_path: Path, operator: str, name: str, options: list[str], words: str
) -> None:
    def fill(text: str) -> str:
        return text.format(folder=folder, broken=broken)

    before = sorted(broken.iterdir())
    general = "--operator", operator, "--prior", folder / "prior.safetensors", "--out", tmp_path / "out", *QUICK
    ran = invdiff("solve", fill(name), *general, *map(fill, options))
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.startswith("invdiff: ")
    assert ran.err.count("\n") == 1  # one line: no traceback, no progress bar
    assert not list(tmp_path.rglob("*.*"))
    assert sorted(broken.iterdir()) == before  # the hostile file was not run


@pytest.mark.parametrize("seed", ["-1", str(2**32), "0.5"])
def test_bad_seed(invdiff: Run, folder: Path, tmp_path: Path, seed: str) -> None:
    ran = invdiff("solve", folder / "sense.h5", "--seed", seed, "--out", tmp_path)
    assert ran.code == 2
    assert "Invalid value for '--seed'" in ran.err
    assert "Traceback" not in ran.err


def test_a_noise_level_that_is_given_need_not_be_estimated(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    image, known = np.ones((24, 20)), np.eye(24, 20)
    known[::2, ::3] = 1
    np.savez(tmp_path / "sparse.npz", image=image, mask=known)
    options = "--operator", "inpainting", "--noise-std", 0.1, "--prior", folder / "prior.safetensors"
    found = solve(invdiff, tmp_path, "sparse.npz", tmp_path / "out", *options)
    assert found["noise_std"] == pytest.approx([0.1])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_broken_file_of_finished_samples(
    invdiff: Run,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupt_after: Interrupt,
    content: bytes,
) -> None:
    command = "solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--out", tmp_path, *QUICK
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        invdiff(*command)
    (broken, *_) = sorted((tmp_path / "units").glob("*.npz"))
    broken.write_bytes(content)
    ran = invdiff(*command)
    assert ran.code == 2
    assert broken.name in ran.err
    assert "remove it to have it drawn anew" in ran.err
    assert broken.read_bytes() == content
    broken.unlink()
    assert invdiff(*command).code == 0
