"""Train the prior of unsampled k-space: ``python -m invdiff.training.conditional slices.h5 OUT``.

MC-DDPM (Xie and Li 2022) under EDM's preconditioning and weighting (Karras 2022), for many masks, sizes and
intensities at once: random complex images, of coils and combined, whose k-space is undersampled at random. Goes on from
OUT/checkpoint.pt, and writes OUT/prior.safetensors at the end.
"""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor, nn

from invdiff.data import MASKS
from invdiff.data.coils import birdcage_maps
from invdiff.metrics import psnr
from invdiff.operators import fourier
from invdiff.priors import EDM, ConditionalPrior, Intensity, ScorePrior, UNet
from invdiff.priors.conditional import to_channels, to_complex, to_image, to_kspace
from invdiff.problem import Problem
from invdiff.training.augmentation import Augmentation
from invdiff.training.config import BatchSize, RunConfig
from invdiff.training.images import GroupedImages, Images
from invdiff.training.loop import fit
from invdiff.training.optimisers import AdamConfig
from invdiff.training.sources.base import check_there_are_images
from invdiff.training.task import LOSS, Batch, Task
from invdiff.training.weighting import EDMWeight

Complex = NDArray[np.complex64]
Mask = NDArray[np.bool_]

DATA_STD = 0.04
"""Of unsampled k-space, as drawn here."""
SIGMA_RANGE = (0.002, 100.0)
SIZES = [(96, 6), (128, 4), (192, 2), (256, 1)]
"""(side, images) of a step."""
VALIDATION_SIZE = (96, 16)
"""The same of the validation loss."""
SHOWN, WORKERS = 4, 2
"""Validation images; and processes that prepare batches."""
KINDS = {"random": 0.35, "equispaced": 0.25, "bernoulli": 0.1, "uniform2d": 0.1, "gaussian2d": 0.1, "poisson": 0.1}
"""Masks, and how often each is drawn."""


def build_network() -> UNet:
    """1.2 million parameters: small enough to train on one CPU core."""
    return UNet(channels=4, widths=(32, 48, 64, 80), blocks=2, embedding=64, patch=2, norm="none")


def as_prior(network: nn.Module, about: Mapping[str, str] | None = None) -> ConditionalPrior:
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


def draw_image(image: NDArray[Any], side: int, rng: np.random.Generator) -> Complex:
    """A clean complex image; half of them dimmed, down to a tenth, and as often seen by a single coil."""
    image = Augmentation()(image, side, rng)
    if rng.random() < 0.5:
        image = image * np.float32(math.exp(rng.uniform(math.log(0.1), 0)))
    return random_coil(image, rng) if rng.random() < 0.5 else image


class UnsampledKspaceTask(Task):
    """Unsampled k-space given the sampled: EDM's weighted denoising loss on what the mask leaves out.

    Args:
        images: to train on.
        validation: to validate on.

    Raises:
        InputError: there are no images.
    """

    def __init__(self, images: Images, validation: Images) -> None:
        check_there_are_images(images, validation)
        self.images, self.validation = images, validation

    def batch(self, side: int, images: int, rng: np.random.Generator) -> Batch:
        """``image``, complex, and ``sampled``, boolean (images, side, side); ``sigma`` for each; ``noise`` (images, 2,
        side, side)."""
        drawn = [draw_image(self.images[int(rng.integers(len(self.images)))], side, rng) for _ in range(images)]
        masks = [draw_mask(side, rng) for _ in range(images)]
        return {
            "image": torch.from_numpy(np.stack(drawn)),
            "sampled": torch.from_numpy(np.stack(masks)),
            "sigma": draw_sigma(images, rng),
            "noise": torch.from_numpy(rng.standard_normal((images, 2, side, side), dtype=np.float32)),
        }

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The mean over all elements."""
        sampled, sigma = batch["sampled"], batch["sigma"][:, None, None, None]
        unsampled = ~sampled[:, None]
        kspace = to_kspace(batch["image"])
        clean = unsampled * to_channels(kspace)
        zero_filled = to_channels(to_image(sampled * kspace))
        noisy = to_channels(to_image(to_complex(clean + sigma * unsampled * batch["noise"])))
        total = sigma**2 + DATA_STD**2  # Karras 2022, eq. 7
        output = network(torch.cat([noisy / total.sqrt(), zero_filled], dim=1), batch["sigma"].log() / 4)[:, :2]
        answer = DATA_STD**2 / total * noisy + sigma * DATA_STD / total.sqrt() * output
        error = unsampled * to_channels(to_kspace(to_complex(answer))) - clean
        weight = EDMWeight(sigma_data=DATA_STD)(batch["sigma"])
        return (weight * error.square().flatten(1).mean(1)).mean()

    def validate(self, network: nn.Module) -> dict[str, float]:
        """The validation loss, and mean PSNR of ``reconstruct``'s three images at 4x random lines, centre 8 %."""
        prior, scores = as_prior(network), []
        shown = UnsampledKspaceTask(self.validation, self.validation)
        batch = shown.batch(*VALIDATION_SIZE, np.random.default_rng(0))
        device = prior.denoiser.device
        with torch.no_grad():
            loss = float(shown.loss(network, {name: tensor.to(device) for name, tensor in batch.items()}))
        for seed in range(min(SHOWN, len(self.validation))):
            image = torch.from_numpy(self.validation[seed * len(self.validation) // SHOWN])
            sampled = torch.from_numpy(MASKS["random"]((image.shape[0], image.shape[1]), 4, 0.08, seed))
            answers = reconstruct(prior, image.to(torch.complex64), sampled)
            scores.append({name: psnr(image.numpy(), answer.numpy()) for name, answer in answers.items()})
        return {LOSS: loss} | {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}

    def prior(self, network: nn.Module, about: Mapping[str, str] | None = None) -> ConditionalPrior:
        """The network as a prior, with notes."""
        return as_prior(network, about)


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


def main(
    slices: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, logs and the prior.")],
    steps: Annotated[int, typer.Option(help="In all.")] = 8500,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 1e-3,
) -> None:
    """Train, going on from OUT/checkpoint.pt where there is one."""
    out.mkdir(parents=True, exist_ok=True)
    source = GroupedImages(path=slices)
    task = UnsampledKspaceTask(source.read("train"), source.read("val"))
    sizes = tuple(BatchSize(side=side, images=images) for side, images in SIZES)
    config = RunConfig(
        batches=sizes, steps=steps, optimiser=AdamConfig(lr=learning_rate), draw_every=0, workers=WORKERS
    )
    fit(task, build_network(), config, out, say=print)


if __name__ == "__main__":
    typer.run(main)
