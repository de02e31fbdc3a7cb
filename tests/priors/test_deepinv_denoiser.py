from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import SplitComplex, TwoChannel
from invdiff.errors import InputError
from invdiff.methods import fast
from invdiff.priors import Clean, Intensity, Prior, from_deepinv
from invdiff.reconstruction import reconstruct, scan_cases


def total_variation() -> nn.Module:
    from deepinv.models import TVDenoiser

    return TVDenoiser(n_it_max=30)


def drunet(channels: int) -> nn.Module:
    from deepinv.models import DRUNet

    torch.manual_seed(0)
    return DRUNet(channels, channels, nc=(4, 4, 4, 4), nb=1, pretrained=None)


def images(channels: int = 1) -> Tensor:
    return torch.rand(3, channels, 16, 12, generator=torch.Generator().manual_seed(1))


class Identity(nn.Module):
    """A denoiser that does nothing."""

    def forward(self, x: Tensor, sigma: float) -> Tensor:
        return x


@pytest.mark.parametrize("channels", [1, 2])
def test_the_answer_is_the_denoiser_s(channels: int) -> None:
    network, x = drunet(channels), images(channels)
    prior = from_deepinv(network, channels=(channels,), sigma_range=(0.01, 0.2))
    assert prior.parameterisation == Clean()
    assert prior.intensity == Intensity()
    torch.testing.assert_close(prior.denoise(x, 0.1), network(x, 0.1))
    torch.testing.assert_close(prior.score(x, 0.1), (network(x, 0.1) - x) / 0.01, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(prior.denoise(x, 5.0), network(x, 0.2))  # as noisy as it knows
    torch.testing.assert_close(prior.denoise(x, 0.0), network(x, 0.01))


def test_levels_are_numbers() -> None:
    class Probe(Identity):
        def forward(self, x: Tensor, sigma: float) -> Tensor:
            assert isinstance(sigma, float)
            assert sigma == pytest.approx(0.3)
            return super().forward(x, sigma)

    from_deepinv(Probe(), channels=(1,)).denoise(images(), 0.3)


def test_answers_do_not_depend_on_earlier_ones_nor_on_the_batch() -> None:
    prior, x = from_deepinv(total_variation(), channels=(1, 2)), images(2)
    fingerprint = prior.fingerprint()
    first = prior.denoise(x, 0.1)
    assert prior.fingerprint() == fingerprint
    prior.denoise(x.flip(0) ** 2, 0.4)
    assert torch.equal(prior.denoise(x, 0.1), first)
    assert torch.equal(torch.cat([prior.denoise(one[None], 0.1) for one in x.flip(0)]).flip(0), first)
    denoiser = total_variation()
    direct = [denoiser(x[:1], 0.1), denoiser(x[1:2], 0.1), denoiser(x[:1], 0.1)]
    assert not torch.equal(direct[0], direct[2])  # by itself it remembers


CASES = scan_cases(
    simulate(
        np.abs(shepp_logan((48, 48))) * np.exp(1j * np.linspace(0, 1, 48)),
        coils=4,
        mask=equispaced((48, 48), 3, 8),
        noise_std=0.005,
    ),
    "sense",
)


def error(prior: Prior, signal: Any, steps: int = 8) -> tuple[float, float]:
    """Relative errors of a reconstruction and of the zero-filled image."""
    result = reconstruct(CASES, fast(steps=steps, signal=signal), prior, samples=1)
    assert result.ground_truth is not None
    truth = np.linalg.norm(result.ground_truth)
    mean, begun = (np.linalg.norm(image - result.ground_truth) for image in (result.mean, result.zero_filled))
    return float(mean / truth), float(begun / truth)


@pytest.mark.parametrize("signal", [TwoChannel(), SplitComplex()])
def test_total_variation_reconstructs(signal: Any) -> None:
    found, zero_filled = error(from_deepinv(total_variation(), channels=(1, 2)), signal)
    assert found < 0.25 * zero_filled
    nothing, _ = error(from_deepinv(Identity(), channels=(1, 2)), signal)
    assert found < 0.7 * nothing


@pytest.mark.parametrize("kind", ["wavelets", "network", "bm3d"])
def test_others_reconstruct_too(kind: str) -> None:
    from deepinv.models import BM3D, WaveletDenoiser

    match kind:
        case "wavelets":
            prior = from_deepinv(WaveletDenoiser(level=3, wv="db4", wvdim=2), channels=(1, 2))
        case "bm3d":
            prior = from_deepinv(BM3D(), channels=(1,))
        case "network":
            prior = from_deepinv(drunet(1), channels=(1,), sigma_range=(0.001, 0.2))
    found, zero_filled = error(prior, SplitComplex(), steps=3 if kind == "bm3d" else 8)
    assert found < (1.0 if kind == "network" else 0.4) * zero_filled


def test_results_that_are_no_images_are_refused() -> None:
    class Shrinking(Identity):
        def forward(self, x: Tensor, sigma: float) -> Tensor:
            return x[:, :, 1:]

    with pytest.raises(InputError, match=r"Shrinking was given \(1, 1, 16, 12\) and gave \(1, 1, 15, 12\)"):
        from_deepinv(Shrinking(), channels=(1,)).denoise(images(), 0.1)
    with pytest.raises(InputError, match="channels it accepts"):
        from_deepinv(Identity(), channels=())
