"""``--axes``, ``--maps``, ``--mask`` and ``--noise`` on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.reconstruction import read_reconstructed

SHAPE = (24, 20)
FULL = simulate(np.abs(shepp_logan(SHAPE)), coils=4, noise_std=0.01)
MASK = equispaced(SHAPE, 2, 12)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """k-space with coils first and last, and what goes with it."""
    with h5py.File(tmp_path / "first.h5", "w") as file:
        file["kspace"] = FULL.kspace[0]
    with h5py.File(tmp_path / "last.h5", "w") as file:
        file["kspace"] = np.moveaxis(FULL.kspace, 1, -1)
    np.save(tmp_path / "maps.npy", FULL.maps[0])
    np.save(tmp_path / "mask.npy", MASK[0])
    np.save(tmp_path / "noise.npy", 0.01 * np.random.default_rng(0).standard_normal((4, 500, 2)))
    return tmp_path


def quick(folder: Path, out: Path) -> list[Any]:
    prior = folder / "prior.safetensors"
    return ["--prior", prior, "--method", "dds", "--set", "steps=2", "--samples", 1, "--out", out]


def test_solve_by_axes_and_companions(invdiff: Callable[..., Any], folder: Path, files: Path) -> None:
    given = ["--maps", files / "maps", "--mask", files / "mask.npy", "--noise", files / "noise.npy"]
    images = []
    for name, axes in (("first.h5", "coil,y,x"), ("last.h5", "slice,y,x,coil")):
        ran = invdiff("solve", files / name, "--axes", axes, *given, *quick(folder, files / name[:-3]))
        assert ran.code == 0, ran.err
        assert "4 coils, acceleration 1.25" in ran.out
        assert "coil maps: of the file" in ran.out
        assert f"warning: {name} holds signal where" in ran.err
        images.append(read_reconstructed(files / name[:-3] / "reconstruction.h5"))
    np.testing.assert_array_equal(*images)


def test_one_companion_goes_with_all_files_and_is_no_input(
    invdiff: Callable[..., Any], folder: Path, files: Path
) -> None:
    (files / "noise.npy").unlink()
    (files / "mask.npy").unlink()
    ran = invdiff("solve", files, "--maps", files / "maps.npy", "--noise-std", 0.01, *quick(folder, folder / "all"))
    assert ran.code == 0, ran.err
    assert f"--maps {files / 'maps.npy'} goes with all 2 files" in ran.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--axes", "coil,y"], "y and x among them"),
        (["--axes", "coil,y,x,part"], "which the 4 axes coil,y,x,part do not fit"),
        (["--maps", "mask.npy"], "maps has shape (20,), but kspace asks for"),
        (["--noise", "absent.npy"], "absent.npy does not exist"),
        (["--mask", "noise.npy"], "the mask has shape (4, 500, 2)"),
        (["--axes", "coil,y,x", "--operator", "denoise"], "--axes, --maps, --mask and --noise are for k-space"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    invdiff: Callable[..., Any],
    folder: Path,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(files)
    ran = invdiff("solve", "first.h5", *options, *quick(folder, files / "out"))
    assert ran.code == 2
    assert words in ran.err.replace("\n", " ")
    assert "Traceback" not in ran.err


def test_formats_that_say_their_axes_take_none(invdiff: Callable[..., Any], folder: Path, shared_data: Path) -> None:
    raw = shared_data / "formats" / "ismrmrd" / "brain_pulseq_16ch_converted.h5"
    ran = invdiff("solve", raw, "--axes", "coil,y,x", *quick(folder, folder / "raw"))
    assert ran.code == 2
    assert "is ISMRMRD, which says what its axes are; leave out --axes" in ran.err.replace("\n", " ")


def test_evaluate_and_tune_take_them(invdiff: Callable[..., Any], folder: Path, files: Path) -> None:
    for name in ("first.h5", "mask.npy", "noise.npy"):
        (files / name).unlink()
    common = ["--maps", files / "maps.npy", "--axes", "slice,y,x,coil"]
    ran = invdiff("evaluate", files, *common, "--baseline", "zero-filled", "--out", files / "scores")
    assert ran.code == 0, ran.err
    ran = invdiff(
        "evaluate", files, "--maps", files / "maps.npy", "--baseline", "zero-filled", "--out", files / "other"
    )
    assert "was read as axes slice,y,x,coil" in ran.err
    ran = invdiff(
        "tune-lambda", files / "last.h5", *common, "--method", "dds", "--set", "steps=2", "--trials", 1,
        "--undersample", "equispaced", "--prior", folder / "prior.safetensors", "--param", "gamma:1:5",
        "--out", files / "tuning",
    )  # fmt: skip
    assert ran.code == 0, ran.err
