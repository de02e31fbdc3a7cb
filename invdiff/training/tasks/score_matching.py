"""Denoising score matching: a network learns to take noise of every level off images (Vincent 2011)."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from invdiff.priors import ScorePrior
from invdiff.training.config import TrainingConfig
from invdiff.training.images import Images
from invdiff.training.pictures import draw_denoising, draw_samples, psnr_of
from invdiff.training.sources.base import check_there_are_images
from invdiff.training.statistics import ImageStatistics, image_statistics
from invdiff.training.tasks.task import LOSS, Batch, Example, Task

VALIDATION_SIGMAS = (0.02, 0.05, 0.1, 0.2, 0.5)
"""In units of white."""
LEVELS = 4
"""Of each validation image, in the validation loss."""


class ScoreMatching(Task):
    """A prior of images.

    The loss is the squared error of the denoised image, weighted by noise level; a network's output becomes an image as
    its parameterisation says, exactly as in the prior that is saved.

    Args:
        config: how noise levels and images are drawn and weighted.
        images: to train on.
        validation: to validate on.

    Raises:
        InputError: there are no images.
    """

    def __init__(self, config: TrainingConfig, images: Images, validation: Images) -> None:
        check_there_are_images(images, validation)
        self.config, self.images, self.validation = config, images, validation

    def batch(self, side: int, images: int, rng: np.random.Generator) -> Batch:
        """Noisy images and what the network is to know: ``noisy``, ``clean`` (images, channels, side, side), and for
        each image ``label``, ``skip``, ``out``, ``scale`` and ``weight``."""
        clean = self.draw_images(side, images, rng)
        sigma = np.clip(self.config.noise_levels.draw(images, rng), *self.config.sigma_range)
        noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), dtype=np.float32))
        levels = torch.from_numpy(sigma)
        parameterisation = self.config.parameterisation
        coefficients = np.array([parameterisation.preconditioning(level) for level in sigma])
        told = dict(zip(("skip", "out", "scale"), torch.from_numpy(coefficients).float().T, strict=True))
        label = torch.tensor([parameterisation.label(level) for level in sigma], dtype=torch.float32)
        weight = self.config.weighting(levels).float()
        noisy = clean + levels.float()[:, None, None, None] * noise
        return {"clean": clean, "noisy": noisy, "label": label, "weight": weight, **told}

    def draw_images(self, side: int, count: int, rng: np.random.Generator) -> Tensor:
        """Random clean images (count, channels, side, side), all of as many channels."""
        drawn = np.stack(
            [
                self.config.augmentation(self.images[int(rng.integers(len(self.images)))], side, rng)
                for _ in range(count)
            ]
        )
        kinds = self.config.channels
        shares = np.array(list(kinds.values()))
        if rng.choice(list(kinds), p=shares / shares.sum()) == 2:
            return as_channels(drawn)
        return as_channels(np.abs(drawn) if rng.random() < 0.5 else drawn.real)

    def example(self, side: int, rng: np.random.Generator) -> Example:
        """The magnitude of an augmented image, and whether the network sees it as real or as complex."""
        image = self.draw_images(side, 1, rng)[0]
        return image.norm(dim=0).numpy(), {1: "real", 2: "complex"}[len(image)]

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The mean over images of weight times mean squared error."""
        skip, out, scale = (batch[name][:, None, None, None] for name in ("skip", "out", "scale"))
        denoised = skip * batch["noisy"] + out * network(scale * batch["noisy"], batch["label"])
        error: Tensor = (denoised - batch["clean"]).square().flatten(1).mean(1)
        return (batch["weight"] * error).mean()

    def prior(self, network: nn.Module, about: Mapping[str, str] | None = None) -> ScorePrior:
        """The network as a prior of the images it was trained on."""
        config = self.config
        return ScorePrior(
            network,
            config.parameterisation,
            channels=tuple(sorted(config.channels)),
            sigma_range=config.sigma_range,
            intensity=self.images.intensity,
            data_std=self._statistics.data_std,
            power_spectrum=self._statistics.power_spectrum,
            about=about,
        )

    @cached_property
    def _statistics(self) -> ImageStatistics:
        return image_statistics(self.images)

    @cached_property
    def _shown(self) -> list[Tensor]:
        """Validation images (1, channels, side, side): the middles of evenly spaced ones."""
        side, kinds = max(size.side for size in self.config.batches), self.config.channels
        count = min(self.config.validation_images, len(self.validation))
        chosen = [self.validation[i * len(self.validation) // count] for i in range(count)]
        middles = [middle(image, side) for image in chosen]
        if 2 not in kinds:
            middles = [np.abs(image) for image in middles]
        if 1 not in kinds:
            middles = [image.astype(np.complex64) for image in middles]
        return [as_channels(image[None]) for image in middles]

    def _noisy(self, sigma: float) -> Iterator[tuple[Tensor, Tensor]]:
        """Each image that is shown, and the same with noise that is always the same."""
        generator = torch.Generator().manual_seed(0)
        for clean in self._shown:
            yield clean, clean + sigma * torch.randn(clean.shape, generator=generator)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """The loss on validation images, and the mean PSNR in dB, white as peak, of denoised ones; noise and its levels
        are the same at every call."""
        prior, peak = self.prior(network), self.images.intensity.value
        scores = {LOSS: self._validation_loss(prior)}
        for sigma in VALIDATION_SIGMAS:
            found = [
                psnr_of(prior.denoise(noisy.to(prior.device), sigma * peak).cpu(), clean, peak)
                for clean, noisy in self._noisy(sigma * peak)
            ]
            scores[f"psnr_sigma_{sigma:g}"] = float(np.mean(found))
        return scores

    def _validation_loss(self, prior: ScorePrior) -> float:
        """The mean of weight times mean squared error, as in training, over levels drawn as in training."""
        rng, losses = np.random.default_rng(0), []
        for clean in self._shown:
            for sigma in np.clip(self.config.noise_levels.draw(LEVELS, rng), *self.config.sigma_range).tolist():
                noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), dtype=np.float32))
                denoised = prior.denoise((clean + sigma * noise).to(prior.device), sigma).cpu()
                weight = float(self.config.weighting(torch.tensor(sigma, dtype=torch.float64)))
                losses.append(weight * float((denoised - clean).square().mean()))
        return float(np.mean(losses))

    def draw(self, network: nn.Module, folder: Path, step: int) -> None:
        """Write denoising-STEP.png, and samples-STEP.png."""
        prior = self.prior(network)
        peak = self.images.intensity.value
        shown = self._shown[len(self._shown) // 2]
        draw_denoising(prior, shown, VALIDATION_SIGMAS, peak, folder / f"denoising-{step}.png")
        side = min(size.side for size in self.config.batches)
        draw_samples(prior, side, folder / f"samples-{step}.png")


def as_channels(images: NDArray[Any]) -> Tensor:
    """Real images (count, H, W) as one channel, complex ones as two."""
    tensor = torch.from_numpy(np.ascontiguousarray(images))
    return torch.view_as_real(tensor).movedim(-1, 1).contiguous() if tensor.is_complex() else tensor[:, None]


def middle(image: NDArray[Any], side: int) -> NDArray[Any]:
    """The centre of an image, at most ``side`` pixels each way."""
    top, left = (max(0, (n - side) // 2) for n in image.shape)
    return image[top : top + side, left : left + side]
