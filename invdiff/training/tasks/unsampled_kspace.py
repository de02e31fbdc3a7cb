"""Unsampled k-space given the sampled: MC-DDPM (Xie and Li 2022), under EDM's preconditioning (Karras 2022).

For many masks, sizes and intensities at once: random complex images, of coils and combined, whose k-space is
undersampled at random.
"""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from invdiff.data import MASKS
from invdiff.data.coils import birdcage_maps
from invdiff.metrics import psnr
from invdiff.operators import fourier
from invdiff.priors import EDM, ConditionalPrior, ScorePrior
from invdiff.priors.conditional import to_channels, to_complex, to_image, to_kspace
from invdiff.problem import Problem
from invdiff.training.augmentation import Augmentation
from invdiff.training.config import UnsampledKspaceConfig
from invdiff.training.images import Images
from invdiff.training.sources.base import check_there_are_images
from invdiff.training.tasks.task import LOSS, Batch, Example, Task
from invdiff.training.weighting import EDMWeight

Complex = NDArray[np.complex64]
Mask = NDArray[np.bool_]

VALIDATION_SIZE = (96, 16)
"""(side, images) of the validation loss."""
SHOWN = 4
"""Validation images that are reconstructed."""


def draw_sigma(config: UnsampledKspaceConfig, count: int, rng: np.random.Generator) -> Tensor:
    """Noise levels: half log-normal about 0.1, half where the condition alone tells, which is hardest to learn."""
    narrow = np.exp(rng.normal(math.log(0.1), 1.2, count))
    wide = np.exp(rng.uniform(math.log(0.3), math.log(config.sigma_range[1]), count))
    sigma = np.where(rng.random(count) < 0.5, narrow, wide)
    return torch.from_numpy(np.clip(sigma, *config.sigma_range)).float()


def draw_mask(config: UnsampledKspaceConfig, side: int, rng: np.random.Generator) -> Mask:
    """What is sampled: a mask of a kind, an acceleration and a centre that the configuration allows."""
    shares = np.array(list(config.masks.values()))
    kind = str(rng.choice(list(config.masks), p=shares / shares.sum()))
    acceleration = math.exp(rng.uniform(*np.log(config.acceleration)))
    if kind == "poisson":
        return _poisson(side, 2 * round(acceleration / 2), int(rng.integers(4)))
    return MASKS[kind]((side, side), acceleration, rng.uniform(*config.centre_fraction), int(rng.integers(2**31)))


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
    """EDM's weighted denoising loss on what a mask leaves out.

    Args:
        config: masks and noise levels.
        images: to train on.
        validation: to validate on.

    Raises:
        InputError: there are no images.
    """

    def __init__(self, config: UnsampledKspaceConfig, images: Images, validation: Images) -> None:
        check_there_are_images(images, validation)
        self.config, self.images, self.validation = config, images, validation

    def batch(self, side: int, images: int, rng: np.random.Generator) -> Batch:
        """``image``, complex, and ``sampled``, boolean (images, side, side); ``sigma`` for each; ``noise`` (images, 2,
        side, side)."""
        drawn = [draw_image(self.images[int(rng.integers(len(self.images)))], side, rng) for _ in range(images)]
        masks = [draw_mask(self.config, side, rng) for _ in range(images)]
        return {
            "image": torch.from_numpy(np.stack(drawn)),
            "sampled": torch.from_numpy(np.stack(masks)),
            "sigma": draw_sigma(self.config, images, rng),
            "noise": torch.from_numpy(rng.standard_normal((images, 2, side, side), dtype=np.float32)),
        }

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The mean over all elements."""
        data_std = self.config.data_std
        sampled, sigma = batch["sampled"], batch["sigma"][:, None, None, None]
        unsampled = ~sampled[:, None]
        kspace = to_kspace(batch["image"])
        clean = unsampled * to_channels(kspace)
        zero_filled = to_channels(to_image(sampled * kspace))
        noisy = to_channels(to_image(to_complex(clean + sigma * unsampled * batch["noise"])))
        total = sigma**2 + data_std**2  # Karras 2022, eq. 7
        output = network(torch.cat([noisy / total.sqrt(), zero_filled], dim=1), batch["sigma"].log() / 4)[:, :2]
        answer = data_std**2 / total * noisy + sigma * data_std / total.sqrt() * output
        error = unsampled * to_channels(to_kspace(to_complex(answer))) - clean
        weight = EDMWeight(sigma_data=data_std)(batch["sigma"])
        return (weight * error.square().flatten(1).mean(1)).mean()

    def validate(self, network: nn.Module) -> dict[str, float]:
        """The validation loss, and mean PSNR of ``reconstruct``'s three images at 4x random lines, centre 8 %."""
        prior, scores = self.prior(network), []
        shown = UnsampledKspaceTask(self.config, self.validation, self.validation)
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
        """The network as a prior; the images it was trained on were combined (of the stated intensity) and of coils."""
        denoiser = ScorePrior(
            network,
            EDM(self.config.data_std),
            channels=(4,),
            sigma_range=self.config.sigma_range,
            intensity=self.images.intensity,
            data_std=self.config.data_std,
            about=about,
        )
        return ConditionalPrior(denoiser)

    def example(self, side: int, rng: np.random.Generator) -> Example:
        """The magnitude of an image as it is undersampled and zero-filled."""
        batch = self.batch(side, 1, rng)
        sampled = batch["sampled"][0]
        acceleration = sampled.numel() / int(sampled.sum())
        return to_image(sampled * to_kspace(batch["image"][0])).abs().numpy(), f"{acceleration:.1f}x"


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
