import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from invdiff.priors import load_prior
from invdiff.training import ScoreMatching

Run = Callable[..., Any]
CONFIG = "tiny"


def options(*settings: str) -> list[str]:
    """A run of a moment."""
    small = ["network.widths=[8, 8]", "batches=[{side: 16, images: 1}]", "workers=0", "draw_every=0", "steps=4"]
    return [word for setting in (*small, *settings) for word in ("--set", setting)]


def test_the_tiny_example_trains_a_prior_that_loads(invdiff: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = invdiff("train", CONFIG, "--out", out, *options("data.count=8"))
    assert ran.code == 0, ran.err
    assert "8 images to train on, 64 to validate on, 0 volume(s) with faults" in ran.out
    assert ran.out.endswith(f"wrote {out / 'prior.safetensors'}\n")
    prior = load_prior(out / "prior.safetensors")
    assert prior.channels == (1, 2)
    assert prior.intensity is not None
    ran = invdiff("train", CONFIG, "--out", out, *options("data.count=8", "steps=6"))
    assert "goes on from step 4 of 6" in ran.out


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("stepz=4", "no field stepz"),
        ("optimiser={kind: sgd}", "one of 'adam', 'muon'"),
        ("data={kind: npy}", "data.path is missing"),
        ("data={kind: npy, path: nowhere}", "nowhere does not exist"),
        ("steps", "KEY=VALUE"),
    ],
)
def test_bad_input_is_a_sentence(invdiff: Run, tmp_path: Path, setting: str, said: str) -> None:
    ran = invdiff("train", CONFIG, "--out", tmp_path / "out", *options(setting))
    assert ran.code == 2
    assert ran.err.startswith("invdiff: ")
    assert said in ran.err


def test_bad_volumes_are_warned_about_or_refused(invdiff: Run, tmp_path: Path) -> None:
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).random((3, 32, 32), dtype=np.float32) + 0.1)
    (tmp_path / "d.npy").write_bytes(b"nothing")
    given = options(f"data={{kind: npy, path: {tmp_path}, val_fraction: null}}")
    ran = invdiff("train", CONFIG, "--out", tmp_path / "out", *given)
    assert ran.code == 0, ran.err
    assert "warning: Left out:" in ran.err
    assert "d.npy" in ran.err
    assert "2 volume(s) with faults" in ran.out  # read to train on, and to validate on
    ran = invdiff("train", CONFIG, "--out", tmp_path / "strict", "--strict", *given)
    assert ran.code == 2
    assert "d.npy" in ran.err


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(invdiff: Run, tmp_path: Path, monkeypatch: Any) -> None:
    original = ScoreMatching.loss

    def interrupt(self: ScoreMatching, *args: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return original(self, *args)

    monkeypatch.setattr(ScoreMatching, "loss", interrupt)
    out = tmp_path / "out"
    ran = invdiff("train", CONFIG, "--out", out, *options("data.count=8"))
    assert ran.code == 130
    assert f"the same command goes on from {out / 'checkpoint.pt'}." in ran.err
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] == 1
    assert not (out / "prior.safetensors").exists()


def test_a_full_disk_is_a_sentence(invdiff: Run, tmp_path: Path, monkeypatch: Any) -> None:
    def full(content: Any, file: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    ran = invdiff("train", CONFIG, "--out", tmp_path / "out", *options("data.count=8"))
    assert ran.code == 2
    assert "no space left" in ran.err
    assert "Make room." in ran.err


def test_solve_takes_the_prior_that_train_wrote(invdiff: Run, tmp_path: Path, folder: Path) -> None:
    ran = invdiff("train", CONFIG, "--out", tmp_path / "out", *options("data.count=8"))
    assert ran.code == 0, ran.err
    prior = tmp_path / "out" / "prior.safetensors"
    given = ("--prior", prior, "--set", "steps=2", "--samples", 1, "--out", tmp_path / "solved")
    ran = invdiff("solve", folder / "sense.h5", *given)
    assert ran.code == 0, ran.err
    assert (tmp_path / "solved" / "reconstruction.h5").exists()
