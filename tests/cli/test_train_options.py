from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.priors import load_prior
from invdiff.training import SHIPPED_CONFIGS

Run = Callable[..., Any]
SMALL = [
    word
    for setting in ("batches=[{side: 16, images: 1}]", "workers=0", "draw_every=0", "steps=2", "validation_images=1")
    for word in ("--set", setting)
]


def test_configurations_are_listed_with_what_they_are_for(invdiff: Run) -> None:
    ran = invdiff("train", "--list-configs")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert [line.partition(":")[0] for line in lines] == list(SHIPPED_CONFIGS)
    assert {"builtin", "fine-tune", "ncsnpp", "tiny"} <= set(SHIPPED_CONFIGS)
    assert all(len(line.partition(": ")[2]) > 40 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "0 configurations are given; give one, by name"),
        (["tiny", "--config", "tiny"], "2 configurations are given"),
        (["--config", "tinny"], "tinny can't be read"),
        (["--from", "nothing"], "nothing is not a file"),
        (["tiny", "--set", "data={kind: bids, path: nowhere}"], "data.path: nowhere is no folder"),
        (["tiny", "--set", "validation={kind: dicom, path: nowhere}"], "validation.path: nowhere does not exist"),
        (["tiny", "--set", "data={kind: nifti, path: x, pattern: ../y}"], "data.pattern: '../y' is no pattern"),
    ],
)
def test_what_is_wrong_is_a_sentence_that_names_the_field(
    invdiff: Run, tmp_path: Path, arguments: list[str], said: str
) -> None:
    ran = invdiff("train", *arguments, "--out", tmp_path / "out")
    assert ran.code == 2
    assert ran.err.startswith("invdiff: ")
    assert said in ran.err


def test_a_dry_run_says_what_would_be_trained_and_trains_nothing(invdiff: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = invdiff("train", "--config", "tiny", "--dry-run", "--out", out, *SMALL, "--set", "data.count=4")
    assert ran.code == 0, ran.err
    assert "4 images to train on" in ran.out
    assert "parameters, 2 steps of about" in ran.out
    assert [path.name for path in out.iterdir()] == ["pictures"]
    assert str(out / "pictures" / "augmented-16.png") in ran.out


def test_a_prior_is_fine_tuned_without_a_configuration(invdiff: Run, tmp_path: Path, folder: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for name in "abc":
        np.save(tmp_path / "images" / f"{name}.npy", rng.random((2, 24, 24), dtype=np.float32) + 0.1)
    out, start = tmp_path / "out", folder / "prior.safetensors"
    data = ("--set", f"data={{kind: npy, path: {tmp_path / 'images'}}}")
    ran = invdiff("train", "--from", start, "--out", out, *SMALL, *data)
    assert ran.code == 0, ran.err
    assert "step 0 of 2: before the first step; validation loss" in ran.out
    assert "step 2 of 2: loss" in ran.out
    assert load_prior(out / "prior.safetensors").network.config == load_prior(start).network.config
    assert load_prior(out / "best.safetensors").sigma_range == load_prior(start).sigma_range
