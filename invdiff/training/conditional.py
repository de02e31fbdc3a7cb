"""Train the prior of unsampled k-space: ``python -m invdiff.training.conditional slices.h5 OUT --minutes 75``.

MC-DDPM (Xie and Li 2022) under EDM's preconditioning and weighting (Karras 2022), for many masks, sizes and
intensities at once: random complex images, of coils and combined, whose k-space is undersampled at random. Goes on from
OUT/latest.pt, and writes OUT/prior.safetensors at the end.
"""

import math
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor, nn

from invdiff.data import MASKS
from invdiff.data.coils import birdcage_maps
from invdiff.diffusion.problem import Problem
from invdiff.evaluation import psnr
from invdiff.operators import fourier
from invdiff.priors import EDM, ConditionalPrior, Intensity, ScorePrior, UNet
from invdiff.priors.conditional import to_channels, to_complex, to_image, to_kspace
from invdiff.training.augment import training_image
from invdiff.training.edm import denoised, weighted
from invdiff.training.loop import Training, fit
from invdiff.training.slices import Slices, load_slices

Complex = NDArray[np.complex64]
Mask = NDArray[np.bool_]

DATA_STD = 0.04
"""Of unsampled k-space, as drawn here."""
SIGMA_RANGE = (0.002, 100.0)
SIZES = [(96, 6), (128, 4), (192, 2), (256, 1)]
"""(side, images) of a step."""
KINDS = {"random": 0.35, "equispaced": 0.25, "bernoulli": 0.1, "uniform2d": 0.1, "gaussian2d": 0.1, "poisson": 0.1}
"""Masks, and how often each is drawn."""


def build_network() -> UNet:
    """1.2 million parameters: small enough to train on one CPU core."""
    return UNet(channels=4, widths=(32, 48, 64, 80), blocks=2, embedding=64)


def as_prior(network: nn.Module, about: dict[str, str] | None = None) -> ConditionalPrior:
    """The network as a prior; the images it was trained on were combined (99.9th percentile one) and of coils."""
    denoiser = ScorePrior(
        network,
        EDM(DATA_STD),
        channels=(4,),
        sigma_range=SIGMA_RANGE,
        intensity=Intensity(99.9, 1.0),
        data_std=DATA_STD,
        about=about,
    )
    return ConditionalPrior(denoiser)


def draw_sigma(count: int, rng: np.random.Generator) -> Tensor:
    """Noise levels: half log-normal about 0.1, half where the condition alone tells, which is hardest to learn."""
    narrow = np.exp(rng.normal(math.log(0.1), 1.2, count))
    wide = np.exp(rng.uniform(math.log(0.3), math.log(SIGMA_RANGE[1]), count))
    sigma = np.where(rng.random(count) < 0.5, narrow, wide)
    return torch.from_numpy(np.clip(sigma, *SIGMA_RANGE)).float()


def draw_mask(side: int, rng: np.random.Generator) -> Mask:
    """What is sampled: one of ``KINDS``, three to ten times accelerated, its centre 4 to 10 % of a side."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    if kind == "poisson":
        return _poisson(side, int(rng.choice([4, 6, 8, 10])), int(rng.integers(4)))
    acceleration = math.exp(rng.uniform(math.log(3), math.log(10)))
    return MASKS[kind]((side, side), acceleration, rng.uniform(0.04, 0.1), int(rng.integers(2**31)))


@cache
def _poisson(side: int, acceleration: int, seed: int) -> Mask:
    """A few Poisson discs, kept: one takes longer than a step of training."""
    return MASKS["poisson"]((side, side), acceleration, 0.06, seed)


def random_coil(image: Complex, rng: np.random.Generator) -> Complex:
    """The image as one of several coils on a ring sees it, the coil's largest sensitivity one."""
    maps = birdcage_maps(int(rng.integers(3, 9)), (image.shape[0], image.shape[1]))
    sensitivity = maps[rng.integers(len(maps))]
    seen: Complex = image * (sensitivity / np.abs(sensitivity).max())
    return seen


def draw_image(slices: Slices, side: int, rng: np.random.Generator) -> Complex:
    """A clean complex image; half of them dimmed, down to a tenth, and as often seen by a single coil."""
    image = training_image(slices[rng.integers(len(slices))], side, rng)
    if rng.random() < 0.5:
        image = image * np.float32(math.exp(rng.uniform(math.log(0.1), 0)))
    return random_coil(image, rng) if rng.random() < 0.5 else image


def conditional_loss(network: nn.Module, image: Tensor, sampled: Tensor, rng: np.random.Generator) -> Tensor:
    """EDM's weighted denoising loss of unsampled k-space, the mean over all elements.

    Args:
        network: of four channels.
        image: complex (batch, H, W).
        sampled: boolean (batch, H, W).
        rng: of noise levels and noise.
    """
    sigma = draw_sigma(len(image), rng)
    unsampled = ~sampled[:, None]
    kspace = to_kspace(image)
    clean = unsampled * to_channels(kspace)
    zero_filled = to_channels(to_image(sampled * kspace))
    noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), dtype=np.float32))
    noisy = to_channels(to_image(to_complex(clean + sigma[:, None, None, None] * unsampled * noise)))
    unscaled = (sigma**2 + DATA_STD**2).sqrt()[:, None, None, None] * zero_filled
    answer = denoised(network, torch.cat([noisy, unscaled], dim=1), sigma, DATA_STD)[:, :2]
    error = unsampled * to_channels(to_kspace(to_complex(answer))) - clean
    return weighted(error, sigma, DATA_STD)


@torch.no_grad()
def reconstruct(prior: ConditionalPrior, image: Tensor, sampled: Tensor, steps: int = 20) -> dict[str, Tensor]:
    """One complex image (H, W) from its undersampled k-space, three ways.

    Returns:
        ``zero-filled``; the prior's ``mean``, one network call at the highest level; and a ``sample``, by deterministic
        DDIM (Song, Meng and Ermon 2021) over ``steps`` geometric levels from 10 to 0.005.
    """
    operator = fourier(sampled)
    problem = Problem(operator, operator(image), scale=1.0)
    conditioned, zero_filled = prior.given(problem), operator.H(problem.y)
    levels = np.geomspace(10, 0.005, steps).tolist()
    x = levels[0] * torch.randn((1, 2, *image.shape), generator=torch.Generator().manual_seed(0)) * ~sampled
    estimates = []
    for level, lower in zip(levels, [*levels[1:], 0.0], strict=True):
        estimates.append(conditioned.denoise(x, level))
        x = estimates[-1] + lower / level * (x - estimates[-1])
    mean, sample = (zero_filled + to_image(to_complex(kspace[0])) for kspace in (estimates[0], x))
    return {"zero-filled": zero_filled, "mean": mean, "sample": sample}


def validation_psnr(network: nn.Module, slices: Slices) -> list[float]:
    """Mean PSNR of ``reconstruct``'s three images at 4x random lines, centre 8 %."""
    prior, scores = as_prior(network), []
    for seed, magnitude in enumerate(slices):
        image = torch.from_numpy(magnitude.astype(np.float32) / 250)
        sampled = torch.from_numpy(MASKS["random"]((image.shape[0], image.shape[1]), 4, 0.08, seed))
        answers = reconstruct(prior, image.to(torch.complex64), sampled)
        scores.append([psnr(image.numpy(), answer.numpy()) for answer in answers.values()])
    return [float(score) for score in np.mean(scores, axis=0)]


def main(
    slices: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, log and prior.")],
    minutes: Annotated[float, typer.Option(help="How long to train in all.")] = 75,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 1e-3,
) -> None:
    """Train, resuming from OUT/latest.pt where there is one."""
    train, val = load_slices(slices, "train"), load_slices(slices, "val")

    def loss(network: UNet, side: int, count: int, rng: np.random.Generator) -> Tensor:
        image = np.stack([draw_image(train, side, rng) for _ in range(count)])
        sampled = np.stack([draw_mask(side, rng) for _ in range(count)])
        return conditional_loss(network, torch.from_numpy(image), torch.from_numpy(sampled), rng)

    fit(
        Training.begin(build_network, learning_rate),
        out,
        minutes=minutes,
        learning_rate=learning_rate,
        sizes=SIZES,
        loss=loss,
        validate=partial(validation_psnr, slices=val[:: max(1, len(val) // 4)]),
        as_prior=as_prior,
    )


if __name__ == "__main__":
    typer.run(main)
