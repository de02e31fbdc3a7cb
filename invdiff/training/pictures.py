"""What a network in training does to images, to look at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from invdiff.diffusion import RealImage, TwoChannel
from invdiff.methods import unconditional
from invdiff.pictures import write_grid
from invdiff.priors import ScorePrior

SAMPLES = 9


def draw_denoising(prior: ScorePrior, clean: Tensor, sigmas: Sequence[float], path: Path) -> None:
    """Write a PNG with a column for each noise level: the noisy image above, denoised below it, and the clean one.

    Args:
        prior: that denoises.
        clean: (1, channels, H, W), in the prior's units.
        sigmas: noise levels in these units.
        path: of the file.
    """
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = [clean + sigma * noise for sigma in sigmas]
    denoised = [prior.denoise(x.to(prior.device), sigma).cpu() for x, sigma in zip(noisy, sigmas, strict=True)]
    rows = torch.cat([*noisy, *denoised, *[clean] * len(sigmas)]).norm(dim=1).numpy()
    write_grid(path, np.minimum(rows, 1.2 * float(clean.norm(dim=1).max())), columns=len(sigmas))


def draw_samples(prior: ScorePrior, side: int, path: Path) -> None:
    """Write a PNG of unconditional samples, ``side`` x ``side``, always of the same noise."""
    signal = TwoChannel() if 2 in prior.channels else RealImage()
    drawn = unconditional(signal=signal).generate(prior, (side, side), samples=SAMPLES, seed=0, together=SAMPLES)
    write_grid(path, drawn.samples.cpu().numpy())
