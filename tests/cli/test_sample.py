from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from invdiff.diffusion import Bound, RealImage
from invdiff.methods import unconditional
from invdiff.priors import load_prior

Run = Callable[..., Any]
QUICK = ("--precision", "f32", "--set", "steps=3", "--samples", 3, "--size", "16x24")


def sample(invdiff: Run, folder: Path, out: Path, *options: object, prior: str = "prior") -> dict[str, Any]:
    """What a run that must succeed leaves behind."""
    ran = invdiff("sample", "--prior", folder / f"{prior}.safetensors", "--out", out, *QUICK, *options)
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in out.iterdir()) == ["samples.h5", "samples.png"]
    assert ran.out.splitlines()[-1] + "\n" == f"wrote {out / 'samples.h5'} and {out / 'samples.png'}\n"
    with h5py.File(out / "samples.h5") as file:
        assert list(file) == ["samples"]
        return {"samples": file["samples"][()], **file.attrs}


def test_results(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    found = sample(invdiff, folder, tmp_path / "out", "--seed", 5, "--set", "signal=real")
    expected = unconditional(3, signal=RealImage()).generate(
        load_prior(folder / "prior.safetensors"), (16, 24), samples=3, seed=5
    )
    np.testing.assert_array_equal(found["samples"], expected.samples.numpy())
    assert found["samples"].dtype == np.float32
    assert (found["seed"], found["nfe"], found["steps"]) == (5, 3, 3)
    assert found["sde"].startswith("VE(")
    assert found["prior"] == str(folder / "prior.safetensors")
    assert (found["intensity_percentile"], found["intensity_value"]) == (99.9, 1.0)
    assert found["invdiff_version"] == version("invdiff")
    with Image.open(tmp_path / "out" / "samples.png") as picture:
        assert picture.size == (2 * 24 + 2, 2 * 16 + 2)


def test_images_are_as_the_prior_s(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    two = sample(invdiff, folder, tmp_path / "a", "--set", "signal=two")["samples"]
    one = sample(invdiff, folder, tmp_path / "b", prior="one")["samples"]
    assert (two.dtype, one.dtype) == (np.complex64, np.float32)


@pytest.mark.parametrize("sde", ["ve", "vp", "subvp", "cosine"])
def test_every_sde(invdiff: Run, folder: Path, tmp_path: Path, sde: str) -> None:
    options = "--set", f"sde={sde}", "--set", "predictor=ddim", "--set", "corrector=langevin"
    found = sample(invdiff, folder, tmp_path / "out", *options)
    assert found["sde"].split("(")[0].lower() == sde
    assert found["nfe"] == 6


def test_samples_do_not_depend_on_how_many_there_are(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    three = sample(invdiff, folder, tmp_path / "a")["samples"]
    one = sample(invdiff, folder, tmp_path / "b", "--samples", 1)["samples"]
    np.testing.assert_array_equal(three[:1], one)
    other = sample(invdiff, folder, tmp_path / "c", "--seed", 1)["samples"]
    assert (other != three).any(axis=(1, 2)).all()


def test_a_method_without_its_data(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    found = sample(invdiff, folder, tmp_path / "out", "--method", "chung2022_complex")
    assert found["method"] == "chung2022_complex"
    assert "GradientConsistency" not in found["sampler"]
    assert "Langevin" in found["sampler"]
    assert found["nfe"] == 6


def test_an_interrupted_run_goes_on(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sample(invdiff, folder, tmp_path / "whole")
    draw, out, left = Bound.draw, tmp_path / "out", [2]

    def interrupted(self: Bound, *args: Any, **kwargs: Any) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return draw(self, *args, **kwargs)

    monkeypatch.setattr(Bound, "draw", interrupted)
    command = "sample", "--prior", folder / "prior.safetensors", "--out", out, *QUICK
    ran = invdiff(*command)
    assert ran.code == 130
    assert f"finished samples are in {out / 'units'}" in ran.err
    assert [path.name for path in out.iterdir()] == ["units"]
    left[0] = 1  # the third sample alone is left to draw
    np.testing.assert_array_equal(sample(invdiff, folder, out)["samples"], whole["samples"])

    left[0] = 1
    assert invdiff(*command).code == 130
    left[0] = 3  # an image of other sides does not take what was kept, though it has as many pixels
    assert sample(invdiff, folder, out, "--size", "24x16", "--force")["samples"].shape == (3, 24, 16)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "0"], "--size is N or HxW"),
        (["--size", "8x8x8"], "--size is N or HxW"),
        (["--size", "-8"], "--size is N or HxW"),
        (["--size", "large"], "--size is N or HxW"),
        (["--size", "9" * 30], "--size is N or HxW"),
        (["--size", "9" * 5000], "--size is N or HxW"),
        (["--size", "999999"], "3 image(s) of 999999 x 999999 would take 22,351 GiB"),
        (["--samples", "9" * 400], "would take"),
        (["--samples", "0"], "samples=0"),
        (["--set", "steps=0"], "number of noise levels, from 1"),
        (["--set", "sde=flow"], "sde is one of ve, vp, subvp, cosine, not 'flow'"),
        (["--set", "grid=round"], "grid is one of karras, uniform, geometric, down-to-noise"),
        (["--set", "lam=1"], "unconditional has no parameter lam"),
        (["--method", "magic"], "no method 'magic'"),
        (["--method", "unconditional"], "no method 'unconditional'"),
        (["--method", "mc_ddpm"], "UnsampledKspace needs a prior that knows the unsampled k-space"),
        (["--method", "chung2022_soss"], "Soss reconstructs the image of every coil"),
        (["--prior", "{folder}/conditional.safetensors"], "this one knows the unsampled k-space"),
        (["--prior", "{folder}/one.safetensors", "--set", "signal=two"], "network 2 channel"),
        (["--prior", "nowhere.pt"], "nowhere.pt is not a file"),
    ],
)
def test_bad_input(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": 2**22, "SC_PAGE_SIZE": 2**12}.get)
    given = [option.format(folder=folder) for option in options]
    ran = invdiff("sample", "--prior", folder / "prior.safetensors", *QUICK, "--out", tmp_path / "out", *given)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_nan_is_refused(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    ran = invdiff(
        "sample", "--prior", folder / "prior.safetensors", *QUICK, "--out", tmp_path, "--method", "jalal2021",
        "--set", "epsilon=1e14",
    )  # fmt: skip
    assert ran.code == 2
    assert "The run diverged" in ran.err
    assert not list(tmp_path.iterdir())
