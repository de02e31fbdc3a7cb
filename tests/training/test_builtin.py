import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from invdiff.priors import UNet, load_prior
from invdiff.training import builtin
from invdiff.training.builtin import (
    DATA_STD,
    SIGMA_RANGE,
    as_prior,
    denoising_psnr,
    draw_images,
    draw_sigma,
    score_matching_loss,
)
from invdiff.training.edm import denoised
from invdiff.training.loop import Training

Y, X = np.mgrid[-1:1:40j, -1:1:40j]
SLICES = [(250 * np.exp(-k * (X**2 + Y**2))).astype(np.uint8) for k in (1, 3, 6)]


def tiny() -> UNet:
    torch.manual_seed(0)
    return UNet(channels=2, widths=(8, 8), blocks=1, embedding=8)


def training() -> Training:
    network = tiny()
    return Training(network, copy.deepcopy(network), torch.optim.Adam(network.parameters(), lr=3e-3))


def test_noise_levels() -> None:
    sigma = draw_sigma(4000, np.random.default_rng(0)).numpy()
    assert sigma.dtype == np.float32
    assert np.float32(SIGMA_RANGE[0]) <= sigma.min() < 0.01
    assert 100 < sigma.max() <= SIGMA_RANGE[1]
    assert np.median(sigma) == pytest.approx(0.15, rel=0.15)  # a little above 0.12, since an eighth is wide


def test_images_to_train_on() -> None:
    channels = [draw_images(SLICES, 32, 2, np.random.default_rng(seed)).shape[1] for seed in range(60)]
    assert 10 < channels.count(1) < 35
    images = draw_images(SLICES, 32, 3, np.random.default_rng(0))
    assert images.shape[::2] == (3, 32)
    assert images.dtype == torch.float32
    torch.testing.assert_close(images, draw_images(SLICES, 32, 3, np.random.default_rng(0)), rtol=0, atol=0)


def test_loss_begins_at_one() -> None:
    images = DATA_STD * torch.randn((2000, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    assert score_matching_loss(tiny(), images, np.random.default_rng(0)).item() == pytest.approx(1, abs=0.02)


def test_the_network_that_is_trained_is_the_prior_that_is_saved() -> None:
    network = tiny()
    torch.nn.init.normal_(network.conv_out.weight)
    x, sigma = torch.randn(1, 2, 16, 16), 0.3
    with torch.no_grad():
        expected = denoised(network, x, torch.tensor([sigma]), DATA_STD)
    torch.testing.assert_close(as_prior(network).denoise(x, sigma), expected)


def test_loss_falls() -> None:
    run = training()
    images = draw_images(SLICES, 32, 8, np.random.default_rng(1))

    def loss() -> torch.Tensor:
        return score_matching_loss(run.network, images, np.random.default_rng(2))

    first = loss().item()
    for _ in range(40):
        run.update(loss(), 3e-3)
    assert loss().item() < 0.7 * first
    assert run.step == 40


def test_psnr_of_doing_nothing() -> None:
    class Noisy(torch.nn.Module):
        """Undoes the preconditioning, so the noisy image comes back."""

        def forward(self, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            sigma = (4 * label).exp()[:, None, None, None]
            return x * sigma / DATA_STD

    scores = denoising_psnr(Noisy(), SLICES)
    np.testing.assert_allclose(scores, -20 * np.log10(builtin.TEST_SIGMAS), atol=0.2)


def test_main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grouped: Callable[[Path], Path]) -> None:
    monkeypatch.setattr(builtin, "UNet", tiny)
    monkeypatch.setattr(builtin, "SIZES", [(16, 1)])
    monkeypatch.delenv("RANK", raising=False)
    slices, out = grouped(tmp_path / "slices.h5"), tmp_path / "out"
    builtin.main(slices, out, minutes=0.01)
    assert sorted(path.name for path in out.iterdir()) == ["latest.pt", "prior.safetensors", "validation.csv"]
    prior = load_prior(out / "prior.safetensors")
    assert prior.channels == (1, 2)
    state = torch.load(out / "latest.pt", weights_only=True)
    assert state["step"] > 0
    builtin.main(slices, out, minutes=0.02)
    assert torch.load(out / "latest.pt", weights_only=True)["step"] > state["step"]
