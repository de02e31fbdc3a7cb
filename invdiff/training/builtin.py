"""Train the prior that ships: ``torchrun --nproc-per-node 2 -m invdiff.training.builtin slices.h5 OUT --minutes 110``.

Denoising score matching (Vincent 2011) of the U-Net under EDM's preconditioning and weighting (Karras 2022), on random
complex and real images made from magnitude slices. It resumes from OUT/latest.pt, and writes OUT/prior.safetensors at
the end.
"""

import math
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn

from invdiff.priors import EDM, Intensity, ScorePrior, UNet
from invdiff.training.augment import training_image
from invdiff.training.edm import denoised, weighted
from invdiff.training.loop import Training, fit
from invdiff.training.slices import Slices, load_slices

DATA_STD = 0.2
SIGMA_RANGE = (0.002, 400.0)
SIZES = [(96, 6), (128, 4), (192, 2), (256, 1)]
"""(side, images a process) of a step: small patches for variety, whole slices for context."""
TEST_SIGMAS = (0.02, 0.05, 0.1, 0.2, 0.5)


def as_prior(network: nn.Module, about: dict[str, str] | None = None) -> ScorePrior:
    """The network as a prior: images of one or two channels whose 99.9th percentile is one."""
    return ScorePrior(
        network,
        EDM(DATA_STD),
        channels=(1, 2),
        sigma_range=SIGMA_RANGE,
        intensity=Intensity(99.9, 1.0),
        data_std=DATA_STD,
        about=about,
    )


def draw_sigma(count: int, rng: np.random.Generator) -> Tensor:
    """Noise levels: mostly log-normal about 0.12, where detail is decided, the rest up to where papers start from."""
    narrow = np.exp(rng.normal(math.log(0.12), 1.2, count))
    wide = np.exp(rng.uniform(math.log(0.5), math.log(SIGMA_RANGE[1]), count))
    sigma = np.where(rng.random(count) < 0.88, narrow, wide)
    return torch.from_numpy(np.clip(sigma, *SIGMA_RANGE)).float()


def draw_images(slices: Slices, side: int, count: int, rng: np.random.Generator) -> Tensor:
    """Clean images ``(count, channels, side, side)``: two channels, or for about a third of the batches a real one."""
    complex_images = np.stack([training_image(slices[rng.integers(len(slices))], side, rng) for _ in range(count)])
    if rng.random() < 0.35:
        real = np.abs(complex_images) if rng.random() < 0.5 else complex_images.real
        return torch.from_numpy(np.ascontiguousarray(real))[:, None]
    return torch.view_as_real(torch.from_numpy(complex_images)).movedim(-1, 1).contiguous()


def score_matching_loss(network: nn.Module, image: Tensor, rng: np.random.Generator) -> Tensor:
    """EDM's weighted denoising loss (Karras 2022, eq. 2 and table 1): one at the start of training."""
    sigma = draw_sigma(len(image), rng)
    noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
    error = denoised(network, image + sigma[:, None, None, None] * noise, sigma, DATA_STD) - image
    return weighted(error, sigma, DATA_STD)


@torch.no_grad()
def denoising_psnr(network: nn.Module, slices: Slices) -> list[float]:
    """Mean PSNR (peak one) of real noisy slices at each of TEST_SIGMAS, with the same noise at every call."""
    scores = []
    for level in TEST_SIGMAS:
        rng = np.random.default_rng(0)
        errors = []
        for magnitude in slices:
            image = torch.from_numpy(magnitude.astype(np.float32) / 250)[None, None]
            noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
            error = denoised(network, image + level * noise, torch.tensor([level]), DATA_STD) - image
            errors.append(-10 * math.log10(float(error.square().mean())))
        scores.append(float(np.mean(errors)))
    return scores


def main(
    slices: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, log and prior.")],
    minutes: Annotated[float, typer.Option(help="How long to train in all.")] = 110,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 6e-4,
) -> None:
    """Train, resuming from OUT/latest.pt where there is one."""
    train, val = load_slices(slices, "train"), load_slices(slices, "val")

    def loss(network: UNet, side: int, count: int, rng: np.random.Generator) -> Tensor:
        return score_matching_loss(network, draw_images(train, side, count, rng), rng)

    fit(
        Training.begin(UNet, learning_rate),
        out,
        minutes=minutes,
        learning_rate=learning_rate,
        sizes=SIZES,
        loss=loss,
        validate=partial(denoising_psnr, slices=val[:: max(1, len(val) // 12)]),
        as_prior=as_prior,
    )


if __name__ == "__main__":
    typer.run(main)
