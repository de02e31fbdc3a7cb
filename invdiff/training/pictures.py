"""What a network in training does to images, to look at."""

import math
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


def draw_denoising(prior: ScorePrior, clean: Tensor, sigmas: Sequence[float], white: float, path: Path) -> None:
    """Write a PNG with a column for each noise level: the noisy image above, denoised below it, and the clean one.

    Labels tell the noise level and the PSNR of the image, in dB with white as the peak.

    Args:
        prior: that denoises.
        clean: (1, channels, H, W), in the prior's units.
        sigmas: noise levels, in parts of white.
        white: in the prior's units.
        path: of the file.
    """
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = [clean + sigma * white * noise for sigma in sigmas]
    denoised = [prior.denoise(x.to(prior.device), sigma * white).cpu() for x, sigma in zip(noisy, sigmas, strict=True)]
    rows = torch.cat([*noisy, *denoised, *[clean] * len(sigmas)]).norm(dim=1).numpy()
    labels = [f"sigma {sigma:g}, {psnr_of(x, clean, white):.1f} dB" for sigma, x in zip(sigmas, noisy, strict=True)]
    labels += [f"denoised, {psnr_of(x, clean, white):.1f} dB" for x in denoised]
    labels += ["clean"] * len(sigmas)
    write_grid(path, np.minimum(rows, 1.2 * float(clean.norm(dim=1).max())), columns=len(sigmas), labels=labels)


def psnr_of(image: Tensor, clean: Tensor, white: float) -> float:
    """PSNR in dB, white as the peak, over the real numbers that an image is made of; infinite where nothing differs."""
    error = float((image - clean).square().mean())
    return 10 * math.log10(white**2 / error) if error else math.inf


def draw_samples(prior: ScorePrior, side: int, path: Path) -> None:
    """Write a PNG of unconditional samples, ``side`` x ``side``, always of the same noise."""
    signal = TwoChannel() if 2 in prior.channels else RealImage()
    drawn = unconditional(signal=signal).generate(prior, (side, side), samples=SAMPLES, seed=0, together=SAMPLES)
    write_grid(path, drawn.samples.cpu().numpy())
