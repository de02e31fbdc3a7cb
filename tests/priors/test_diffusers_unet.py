import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import SplitComplex, TwoChannel
from invdiff.errors import InputError
from invdiff.methods import fast
from invdiff.priors import Intensity, from_diffusers, save_prior
from invdiff.reconstruction import reconstruct, scan_cases

PREDICTIONS = ["epsilon", "sample", "v_prediction"]


def unet(channels: int = 1, **changes: Any) -> nn.Module:
    from diffusers import UNet2DModel

    torch.manual_seed(0)
    arguments = {
        "in_channels": channels,
        "out_channels": channels,
        "block_out_channels": (4, 8),
        "down_block_types": ("DownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "UpBlock2D"),
        "layers_per_block": 1,
        "norm_num_groups": 2,
        "add_attention": False,
    }
    return UNet2DModel(**(arguments | changes)).eval()


def schedule(prediction: str = "epsilon", **changes: Any) -> Any:
    from diffusers import DDPMScheduler

    return DDPMScheduler(prediction_type=prediction, clip_sample=False, **changes)


def images(channels: int = 1) -> torch.Tensor:
    return torch.rand(2, channels, 8, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("channels", [1, 2])
def test_at_its_steps_the_answer_is_the_library_s(prediction: str, channels: int) -> None:
    """One channel is shown as 2x - 1, two as they are."""
    network, scheduler = unet(channels), schedule(prediction)
    prior, x = from_diffusers(network, scheduler), images(channels)
    gain, black = (2, -1) if channels == 1 else (1, 0)
    assert prior.network_range == (black, black + gain)
    for step in (0, 1, 321, 999):
        alpha = scheduler.alphas_cumprod[step].sqrt().item()
        sigma = math.sqrt(1 - alpha**2) / alpha
        noisy = alpha * (gain * x + black)
        with torch.no_grad():
            output = network(noisy, step).sample
        expected = (scheduler.step(output, step, noisy).pred_original_sample - black) / gain
        scale = expected.abs().max().item()
        torch.testing.assert_close(prior.denoise(x, sigma / gain), expected, rtol=2e-3, atol=2e-3 * scale)
        for other in set(PREDICTIONS) - {prediction} if step == 321 else ():
            wrong = from_diffusers(network, schedule(other)).denoise(x, sigma / gain)
            assert not torch.allclose(wrong, expected, rtol=2e-3, atol=2e-3 * scale)


def test_what_it_says_of_itself() -> None:
    prior = from_diffusers(unet(2), schedule(), intensity=Intensity(99, 1.0), data_std=0.2)
    assert prior.channels == (2,)
    assert prior.sigma_range == pytest.approx((0.01, 157.4), rel=1e-2)
    assert (prior.intensity, prior.data_std) == (Intensity(99, 1.0), 0.2)
    shown = from_diffusers(unet(2), schedule(), network_range=(-1.0, 1.0))
    assert shown.sigma_range == pytest.approx((prior.sigma_range[0] / 2, prior.sigma_range[1] / 2))


def test_learned_variances_are_left_out() -> None:
    network = unet(1, out_channels=2)
    x, step = images(), torch.zeros(2)
    result = from_diffusers(network, schedule()).network(x, step)
    assert torch.equal(result, network(x, step).sample[:, :1])


def test_a_schedule_that_ends_in_pure_noise() -> None:
    scheduler = schedule("v_prediction", rescale_betas_zero_snr=True)
    scheduler.alphas_cumprod[-1] = 0.0  # the library stops short of it
    prior = from_diffusers(unet(), scheduler)
    assert math.isfinite(prior.sigma_range[1])
    assert prior.denoise(images(), 1e4).isfinite().all()


@pytest.mark.parametrize(("channels", "signal"), [(1, SplitComplex()), (2, TwoChannel())])
def test_it_reconstructs(channels: int, signal: Any) -> None:
    """An untrained network can't help, but neither may it keep the image from the data."""
    phantom = np.abs(shepp_logan((24, 20)))
    scan = simulate(phantom, coils=3, mask=equispaced((24, 20), 2, 8), noise_std=0.005)
    cases = scan_cases(scan, "sense")
    result = reconstruct(cases, fast(steps=5, signal=signal), from_diffusers(unet(channels), schedule()), samples=1)
    problem = next(iter(cases))
    found = torch.as_tensor(result.samples[0, 0]).to(problem.y.dtype)
    distance = (problem.y - problem.operator(found)).norm() / problem.y.norm()
    nothing = (problem.y - problem.operator(torch.as_tensor(result.zero_filled[0]).to(found.dtype))).norm()
    assert distance < 0.05 < nothing / problem.y.norm()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: from_diffusers(nn.Conv2d(1, 1, 1), schedule()), "takes a UNet2DModel, not a Conv2d"),
        (lambda: from_diffusers(unet(1, out_channels=3), schedule()), "of 1 channels can't be a prior: it gives 3"),
        (lambda: from_diffusers(unet(num_class_embeds=5), schedule()), "needs classes"),
        (lambda: from_diffusers(unet(time_embedding_type="fourier"), schedule()), "no positional time embedding"),
        (lambda: from_diffusers(unet(), object()), "object has no table alphas_cumprod"),
        (lambda: from_diffusers(unet(), schedule()).denoise(torch.rand(1, 1, 8, 9), 1.0), "multiples of 2, not 8 x 9"),
        (lambda: from_diffusers(unet(), schedule()).denoise(torch.rand(1, 2, 8, 8), 1.0), "1 channels"),
        (lambda: save_prior(from_diffusers(unet(), schedule()), "a.pt"), "NCSNv2 can be saved"),
    ],
)
def test_what_does_not_fit_is_refused(make, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()


def test_an_unknown_prediction_is_refused() -> None:
    scheduler = schedule()
    scheduler.register_to_config(prediction_type="flow")
    with pytest.raises(InputError, match="epsilon, sample or v_prediction, not flow"):
        from_diffusers(unet(), scheduler)
