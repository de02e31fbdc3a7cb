"""The best network is kept beside the last, and what is said and written down is what was used."""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from invdiff.priors import load_prior
from invdiff.training import DatasetImages, ScoreMatching, TrainingConfig, train
from invdiff.training import loop as loop_module
from invdiff.training import pictures as pictures_module
from invdiff.training.pictures import draw_denoising, psnr_of
from invdiff.training.tasks.task import LOSS

TINY = {
    "network": {"architecture": "unet", "channels": 2, "widths": [8, 8], "blocks": 1, "embedding": 8, "patch": 2},
    "batches": [{"side": 16, "images": 2}], "validation_images": 2,
    "steps": 6, "warm_up": 3, "log_every": 1, "save_every": 2, "validate_every": 2, "draw_every": 0, "workers": 0,
}  # fmt: skip


def config(**changes) -> TrainingConfig:
    return TrainingConfig.model_validate({**TINY, **changes})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def column(path: Path, name: str) -> list[float]:
    with path.open() as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def told(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    """Validation losses as given, one a validation."""
    left = iter(scores)
    monkeypatch.setattr(ScoreMatching, "validate", lambda self, network: {LOSS: next(left), "psnr": 20.0})


@pytest.mark.parametrize(
    ("scores", "best"), [([4, 3, 1, 2], 4), ([1, 2, 3, 4], 0), ([4, 3, 2, 1], 6), ([2, 1, 1, float("nan")], 2)]
)
def test_best_is_where_the_validation_loss_was_the_lowest(out, images, monkeypatch, scores, best) -> None:
    told(monkeypatch, scores)
    said: list[str] = []
    train(config(), out, images=images, validation=images, say=said.append)
    assert load_prior(out / "best.safetensors").about["steps"] == str(best)
    assert load_prior(out / "prior.safetensors").about["steps"] == "6"
    assert len([line for line in said if line.startswith("step ")]) == 4
    assert f"at step {best})" in said[-1]
    assert "loss" in said[-1]
    assert "learning rate" in said[-1]


def test_a_run_that_goes_on_knows_its_best(out, images, monkeypatch) -> None:
    told(monkeypatch, [4, 1, 3])
    train(config(steps=4, schedule={"kind": "constant"}), out, images=images, validation=images)
    told(monkeypatch, [2])
    train(config(steps=6, schedule={"kind": "constant"}), out, images=images, validation=images)
    assert load_prior(out / "best.safetensors").about["steps"] == "2"


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_the_learning_rate_is_written_down_as_it_is_used(out, images, monkeypatch, kind) -> None:
    used: list[list[float]] = []
    original = loop_module.move

    def watched(state, config):
        original(state, config)
        used.append([group["lr"] for optimiser in state.optimisers for group in optimiser.param_groups])

    monkeypatch.setattr(loop_module, "move", watched)
    train(config(optimiser={"kind": kind, "lr": 2e-3}), out, images=images, validation=images)
    shown = column(out / "losses.csv", "learning_rate")
    assert shown[2] == pytest.approx(2e-3 * 0.5 * (1 + np.cos(np.pi * 2 / 6)), rel=1e-4)
    for rates, rate in zip(used, shown, strict=True):
        assert rates == pytest.approx([0.4 * rate, rate] if kind == "muon" else [rate], rel=1e-4)


def test_the_validation_loss_is_that_of_training_on_images_that_stay(images) -> None:
    """It is the mean that `loss` has over many draws, and the same at every call."""
    plain = {"flips": False, "quarter_turns": False, "rotation": 0, "shift": 0, "resolution": None, "whole": 0,
             "contrast": 0, "inverse": 0, "intensity": None, "phase": 0}  # fmt: skip
    levels = {"kind": "log_normal", "median": 0.2, "spread": 0.1}
    same = config(
        augmentation=plain, noise_levels=levels, channels={1: 1}, batches=[{"side": 40, "images": 64}],
        validation_images=3,
    )  # fmt: skip
    task = ScoreMatching(same, images, images)
    network = same.network.build().eval()
    first, second = (task.validate(network)[LOSS] for _ in range(2))
    assert first == second
    with torch.no_grad():
        drawn = [float(task.loss(network, task.batch(40, 64, np.random.default_rng(i)))) for i in range(2)]
    assert first == pytest.approx(np.mean(drawn), rel=0.25)
    other = ScoreMatching(same, images, DatasetImages([5 * images[0]], images.intensity))
    assert abs(other.validate(network)[LOSS] - first) > 0.25 * first


def test_pictures_are_labelled_with_level_and_psnr(tmp_path, images, monkeypatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(pictures_module, "write_grid", lambda *_, labels, **__: seen.append(labels))
    task = ScoreMatching(config(), images, images)
    clean = torch.from_numpy(images[0])[None, None]
    draw_denoising(task.prior(config().network.build()), clean, (0.1, 0.5), 1.0, tmp_path / "x.png")
    (labels,) = seen
    for label, level, psnr in zip(labels, ("0.1", "0.5"), (20, 6), strict=False):
        assert label.startswith(f"sigma {level}, ")
        assert float(label.split()[2]) == pytest.approx(psnr, abs=0.5)
    assert all(label.startswith("denoised, ") for label in labels[2:4])
    assert labels[4:] == ["clean", "clean"]
    peaks = [psnr_of(clean + shift, clean, 1.0) for shift in (0.01, 0.1, 1.0)]
    assert peaks == pytest.approx([40, 20, 0], abs=1e-3)
    assert all(a > b for a, b in pairwise(peaks))
