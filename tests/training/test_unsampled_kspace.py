import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from invdiff.diffusion import Problem
from invdiff.errors import InputError
from invdiff.operators import fourier
from invdiff.priors import ConditionalPrior, UNet, load_prior
from invdiff.priors.conditional import to_channels, to_kspace
from invdiff.priors.networks.unet import UNetConfig
from invdiff.training import BatchSize, UnsampledKspaceConfig, prepare, read_config, rehearse, train
from invdiff.training.images import DatasetImages
from invdiff.training.tasks import unsampled_kspace
from invdiff.training.tasks.task import Batch
from invdiff.training.tasks.unsampled_kspace import (
    UnsampledKspaceTask,
    draw_image,
    draw_mask,
    draw_sigma,
    random_coil,
    reconstruct,
)

CONFIG = UnsampledKspaceConfig(
    task="unsampled_kspace",
    masks={"random": 1.0},  # discs in so small a square take long
    network=UNetConfig(channels=4, widths=(8, 8), blocks=1, embedding=8, patch=1),
)
SHIPPED = read_config("mc-ddpm")
assert isinstance(SHIPPED, UnsampledKspaceConfig)
SIGMA_RANGE, DATA_STD = CONFIG.sigma_range, CONFIG.data_std


def tiny() -> UNet:
    return UNet(channels=4, widths=(8, 8), blocks=1, embedding=8)


def task(images: DatasetImages) -> UnsampledKspaceTask:
    return UnsampledKspaceTask(CONFIG, images, images)


def batch(images: DatasetImages, count: int = 4, side: int = 32) -> Batch:
    return task(images).batch(side, count, np.random.default_rng(3))


def loss_of(network: nn.Module, batch: Batch, images: DatasetImages) -> Tensor:
    return task(images).loss(network, batch)


def test_the_network_is_small() -> None:
    network = SHIPPED.network.build()
    assert sum(parameter.numel() for parameter in network.parameters()) < 1.3e6
    assert network.channels == 4


def test_noise_levels() -> None:
    sigma = draw_sigma(SHIPPED, 4000, np.random.default_rng(0)).numpy()
    assert np.float32(SIGMA_RANGE[0]) <= sigma.min() < 0.01
    assert 50 < sigma.max() <= SIGMA_RANGE[1]
    assert np.mean(sigma > 1) == pytest.approx(0.41, abs=0.03)  # half, of which a fifth lies below


def test_masks_to_train_on() -> None:
    rng = np.random.default_rng(0)
    masks = [draw_mask(SHIPPED, 64, rng) for _ in range(60)]
    kept = [float(mask.mean()) for mask in masks]
    assert all(mask.shape == (64, 64) and mask.dtype == np.bool_ for mask in masks)
    assert 0.08 < min(kept) < max(kept) < 0.45
    lines = [mask for mask in masks if (mask == mask[:1]).all()]
    assert 25 < len(lines) < 55
    assert all(mask[:, 31:33].all() for mask in lines)


def test_images_are_combined_and_of_coils_bright_and_dim(images: DatasetImages) -> None:
    rng = np.random.default_rng(0)
    peaks = [np.abs(draw_image(images[0], 32, rng)).max() for _ in range(80)]
    assert min(peaks) < 0.15
    assert max(peaks) > 0.9
    np.testing.assert_array_equal(
        draw_image(images[0], 32, np.random.default_rng(5)), draw_image(images[0], 32, np.random.default_rng(5))
    )


def test_a_coil_sees_smoothly_and_its_largest_sensitivity_is_one() -> None:
    rng = np.random.default_rng(0)
    for _ in range(8):
        seen = random_coil(np.ones((48, 40), np.complex64), rng)
        assert np.abs(seen).max() == pytest.approx(1, abs=1e-5)
        assert np.abs(seen).min() < 0.9
        assert max(np.abs(np.diff(seen, axis=axis)).max() for axis in (0, 1)) < 0.35  # a coil's own corner is steepest


def test_the_network_that_is_trained_is_the_prior_that_is_saved(
    images: DatasetImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss, recomputed from the prior's answers to the very questions that training asked."""
    network, level = tiny(), 0.3
    nn.init.normal_(network.conv_out.weight)
    monkeypatch.setattr(unsampled_kspace, "draw_sigma", lambda _, count, __: torch.full((count,), level))
    asked = batch(images)
    loss = loss_of(network, asked, images).item()
    image, sampled, noise = asked["image"], asked["sampled"], asked["noise"]
    prior, errors = task(images).prior(network), []
    for one, mask, z in zip(image, sampled, noise, strict=True):
        operator = fourier(mask)
        clean = to_channels(to_kspace(one) * ~mask)
        answer = prior.given(Problem(operator, operator(one))).denoise((clean + level * z)[None], level)[0]
        errors.append((answer - clean).square().mean())
    weight = (level**2 + DATA_STD**2) / (level * DATA_STD) ** 2
    assert loss == pytest.approx(weight * float(torch.stack(errors).mean()), rel=1e-4)


def test_a_network_that_says_nothing_loses_one_for_data_of_the_stated_deviation(images: DatasetImages) -> None:
    """All is unsampled, and the k-space is white with DATA_STD: the preconditioning makes the loss one."""
    rng = np.random.default_rng(0)
    kspace = DATA_STD * torch.from_numpy(rng.standard_normal((400, 16, 16, 2), dtype=np.float32))
    asked = {
        "image": torch.view_as_complex(kspace),
        "sampled": torch.zeros((400, 16, 16), dtype=torch.bool),
        "sigma": draw_sigma(SHIPPED, 400, rng),
        "noise": torch.from_numpy(rng.standard_normal((400, 2, 16, 16), dtype=np.float32)),
    }
    assert loss_of(tiny(), asked, images).item() == pytest.approx(1, abs=0.03)
    asked["sampled"][:, :, ::2] = True  # half the elements cost nothing
    assert loss_of(tiny(), asked, images).item() == pytest.approx(0.5, abs=0.03)


def test_loss_falls(images: DatasetImages) -> None:
    network, asked = tiny(), batch(images, count=8)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        losses.append(loss_of(network, asked, images))
        optimiser.zero_grad()
        losses[-1].backward()
        optimiser.step()
    assert losses[-1].item() < 0.8 * losses[0].item()


def test_reconstruction_keeps_what_was_sampled(images: DatasetImages) -> None:
    network = tiny()
    nn.init.normal_(network.conv_out.weight, std=0.1)
    asked = batch(images)
    image, sampled = asked["image"][0], asked["sampled"][0]
    answers = reconstruct(task(images).prior(network), image, sampled, steps=5)
    assert list(answers) == ["zero-filled", "mean", "sample"]
    for answer in answers.values():
        torch.testing.assert_close(to_kspace(answer) * sampled, to_kspace(image) * sampled, atol=1e-5, rtol=1e-5)
    assert (answers["mean"] - answers["sample"]).abs().max() > 1e-3


def test_a_perfect_prior_is_scored_perfectly(images: DatasetImages, monkeypatch: pytest.MonkeyPatch) -> None:
    class Oracle(nn.Module):
        """Gives away the k-space of the one validation image."""

        def forward(self, x: Tensor, label: Tensor) -> Tensor:
            sigma = (4 * label).exp()[:, None, None, None]
            total = sigma**2 + DATA_STD**2
            truth = to_channels(torch.from_numpy(images[0]).to(torch.complex64))
            skipped = DATA_STD**2 / total.sqrt() * x[:, :2]
            answer = (truth - skipped) * total.sqrt() / (sigma * DATA_STD)
            return torch.cat([answer, answer], dim=1)

    monkeypatch.setattr(unsampled_kspace, "SHOWN", 1)
    monkeypatch.setattr(
        UnsampledKspaceTask, "loss", lambda *_: torch.ones(())
    )  # on images that the oracle has not seen
    scores = task(images).validate(Oracle())
    assert math.isfinite(scores["zero-filled"])
    assert scores["zero-filled"] < 40
    assert min(scores["mean"], scores["sample"]) > 60


def test_a_run_goes_on_and_ends_in_a_conditional_prior(tmp_path: Path, grouped: Callable[[Path], Path]) -> None:
    sizes = {"batches": "[{side: 32, images: 1}]", "masks": "{random: 1}", "workers": "0", "data.path": ""}
    tiny = {"network": "{architecture: unet, channels: 4, widths: [8], blocks: 1, embedding: 8, patch: 1}"}
    settings = sizes | tiny | {"data.path": str(grouped(tmp_path / "slices.h5"))}
    for steps in ("2", "4"):
        train(read_config("mc-ddpm", settings | {"steps": steps}), tmp_path)
    assert not {"best.safetensors", "checkpoint.pt", "config.yaml", "losses.csv"} - {p.name for p in tmp_path.iterdir()}
    assert isinstance(load_prior(tmp_path / "prior.safetensors"), ConditionalPrior)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 4


def test_a_rehearsal_shows_what_is_undersampled(tmp_path: Path, images: DatasetImages) -> None:
    config = CONFIG.model_copy(update={"batches": (BatchSize(side=32, images=1),), "workers": 0})
    told = rehearse(*prepare(config, images=images, validation=images), config, tmp_path)
    assert [path.name for path in told.pictures] == ["augmented-32.png"]
    example, word = task(images).example(32, np.random.default_rng(0))
    assert example.shape == (32, 32)
    assert 2 < float(word.removesuffix("x")) < 12


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"task": "something"}, "task is one of score_matching, unsampled_kspace, not 'something'"),
        ({"masks": "{spirals: 1}"}, "there is no 'spirals'"),
        ({"acceleration": "[1, 4]"}, "accelerations are above 1"),
        ({"centre_fraction": "[0.2, 0.1]"}, "centre_fraction .* must be ascending"),
        ({"network.channels": "2"}, "network.channels is 2, and this task shows 4"),
        ({"start": "builtin"}, "there is no field start"),
    ],
)
def test_a_wrong_field_is_named(settings: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_config("mc-ddpm", settings)
