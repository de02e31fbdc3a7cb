import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from invdiff.data import achieved_acceleration, read_scan
from invdiff.methods import METHODS
from invdiff.methods.named_parts import name_of_value

Run = Callable[..., Any]


def test_help(invdiff: Run) -> None:
    ran = invdiff("--help")
    assert ran.code == 0
    for command in (
        "solve",
        "export",
        "regions",
        "tune-lambda",
        "evaluate",
        "verify",
        "simulate",
        "methods",
        "operators",
        "convert",
    ):
        assert f"  {command} " in ran.out
        assert invdiff(command, "--help").code == 0


def test_help_is_light() -> None:
    program = "import sys; sys.argv = ['invdiff', '--help']; sys.stdout.reconfigure(encoding='utf-8')\n"
    program += "import atexit; atexit.register(lambda: print('loaded:', *sys.modules))\n"
    program += "from invdiff.cli import main; main()"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = ran.stdout.split("loaded:")[1].split()
    assert "invdiff.cli.solve" in loaded
    assert not {"torch", "numpy", "scipy", "h5py", "matplotlib", "pydantic"} & set(loaded)


def test_module_runs_too() -> None:
    command = [sys.executable, "-m", "invdiff.cli", "solve", "scan.h5", "--operator", "spiral"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert ran.stderr.startswith("invdiff: There is no operator 'spiral'")


def test_methods(invdiff: Run) -> None:
    """A row for each in the first table, and every parameter with its default in the second."""
    ran = invdiff("methods")
    assert ran.code == 0
    made, parameters = ran.out.split("Parameters, each to be changed by --set")
    rows = {line.split()[0]: line for line in made.splitlines() if line.strip()}
    assert METHODS.keys() <= rows.keys()
    for name, method in METHODS.items():
        sampler = method.build()
        assert rows[name].split()[-1] == str(sampler.nfe)
        parts = [method.paper.short, type(sampler.signal).__name__, type(sampler.view).__name__]
        parts.append(type(sampler.guidance).__name__ if sampler.guidance else ", none ")
        assert [part for part in parts if part not in rows[name]] == []
    words = parameters.split()
    starts = [words.index(name) for name in METHODS]
    for name, start, end in zip(METHODS, starts, [*starts[1:], len(words)], strict=True):
        defaults = METHODS[name].defaults.items()
        assert words[start + 1 : end] == [f"{name}={name_of_value(value)}" for name, value in defaults]


@pytest.mark.parametrize("name", ["dds", "chung2022_hybrid", "fast"])
def test_bibtex_of_a_method(invdiff: Run, name: str) -> None:
    ran = invdiff("methods", "--bibtex", name)
    assert ran.code == 0
    cited = METHODS[name].build().citations()
    assert re.findall(r"^@\w+\{(\w+),$", ran.out, re.MULTILINE) == [reference.key for reference in cited]
    assert ran.out.strip().split("\n\n") == [reference.bibtex for reference in cited]


def test_bibtex_of_a_method_that_there_is_not(invdiff: Run) -> None:
    ran = invdiff("methods", "--bibtex", "magic")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("invdiff: There is no method 'magic'; there are jalal2021")
    assert ran.err.count("\n") == 1


def test_operators(invdiff: Run) -> None:
    ran = invdiff("operators")
    assert ran.code == 0
    lines = {line.split()[0]: line for line in ran.out.splitlines() if line.strip(" ─")}
    assert [*lines] == [
        "operator", "sense", "fourier", "non-cartesian", "inpainting", "denoise", "ct", "blur", "super-resolution",
        "single-pixel",
    ]  # fmt: skip
    assert "P(Λ) F S" in lines["sense"]


@pytest.mark.parametrize("suffix", [".npy", ".png", ".nii.gz"])
def test_simulate(invdiff: Run, tmp_path: Path, suffix: str) -> None:
    image = np.arange(24 * 20, dtype=np.uint8).reshape(24, 20)
    path, out = tmp_path / f"image{suffix}", tmp_path / "scan.h5"
    match suffix:
        case ".npy":
            np.save(path, image)
        case ".png":
            Image.fromarray(image).save(path)
        case _:
            nibabel.save(nibabel.Nifti1Image(image[:, :, None], np.eye(4)), path)
    ran = invdiff("simulate", path, "--out", out, "--coils", 3, "--mask", "equispaced", "--acceleration", 2)
    assert ran.code == 0, ran.err
    scan = read_scan(out)
    assert scan.kspace.shape == (1, 3, 24, 20)
    assert f"achieved acceleration {achieved_acceleration(scan.mask):.2f}" in ran.out
    np.testing.assert_allclose(np.abs(scan.ground_truth[0]), image / image.max(), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mask", "spiral"], "no mask 'spiral'"),
        (["--coils", "0"], "at least one coil"),
        (["--noise-std", "-1"], "noise level"),
        (["--slice", "7"], "slices 0 to 0"),
        (["--out", "scan.npz"], "suffix '.npz'"),
        (["--out", "image.npy/scan.h5"], "The folder image.npy can't be made"),
    ],
)
def test_scans_that_can_not_be_made(
    invdiff: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("image.npy", np.ones((8, 8)))
    ran = invdiff("simulate", "image.npy", "--out", "scan.h5", *options)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["image.npy"]


def test_convert(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "prior.pt", tmp_path / "prior.safetensors"
    ran = invdiff("convert", folder / "prior.safetensors", there)
    assert (ran.code, ran.out) == (0, f"wrote {there}\n")
    assert invdiff("convert", there, back).code == 0
    assert back.read_bytes() == (folder / "prior.safetensors").read_bytes()


@pytest.mark.parametrize(("out", "words"), [("prior.bin", "can't be written"), ("file/prior.pt", "can't be made")])
def test_what_can_not_be_converted(invdiff: Run, folder: Path, tmp_path: Path, out: str, words: str) -> None:
    (tmp_path / "file").touch()
    ran = invdiff("convert", folder / "prior.safetensors", tmp_path / out)
    assert ran.code == 2
    assert words in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError("Unable to allocate 7.45 GiB for an array with shape (1000000000,)"), "7.45 GiB"),
        (MemoryError(), "ask for less"),
        (RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 160000000000"
                      " bytes. Error code 12 (Cannot allocate memory)"), "149.0 GiB"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has"), "20.00 GiB"),
        (OSError(36, "File name too long", "999"), "999 can't be read or written: File name too long."),
        (OSError("Can't synchronously\nread data"), "A file can't be read or written: Can't synchronously read data."),
    ],
)  # fmt: skip
def test_what_the_machine_refuses_is_a_sentence(
    invdiff: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def refuse(_: object) -> None:
        raise error

    monkeypatch.setattr("invdiff.methods.find_method", refuse)
    ran = invdiff("methods", "--bibtex", "fast")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("invdiff: ")
    assert said in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), TypeError("a fault of ours"), ValueError("another")])
def test_what_is_a_fault_of_the_package_keeps_its_traceback(
    invdiff: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("invdiff.methods.find_method", fail)
    with pytest.raises(type(error), match=str(error)):
        invdiff("methods", "--bibtex", "fast")


EVIL = "\x1b[31mred\x1b]0;owned\x07"


def test_what_files_say_moves_no_terminal(invdiff: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "names.h5", "w") as file:
        file[EVIL] = np.ones(3)
    (tmp_path / "train.yaml").write_text('"\\e[31mred\\e]0;owned\\a": 1\n')
    (tmp_path / "method.yaml").write_text('"\\e[31mred\\e]0;owned\\a": 1\nmethod: fast\n')
    (tmp_path / f"{EVIL}.h5").write_bytes((folder / "sense.h5").read_bytes())
    common = ["--prior", folder / "prior.safetensors", "--samples", "1", "--set", "steps=2"]
    for number, arguments in enumerate(
        (
            ["solve", tmp_path / "names.h5", *common],
            ["train", tmp_path / "train.yaml"],
            ["solve", "--config", tmp_path / "method.yaml", *common],
            ["solve", *common, tmp_path / f"{EVIL}.h5"],
        )
    ):
        ran = invdiff(*arguments, "--out", tmp_path / str(number))
        assert "\x1b]" not in ran.out + ran.err
        assert "\x1b[31m" not in ran.out + ran.err
        assert r"\x1b[31mred\x1b]0;owned\x07" in ran.out + ran.err
