"""Train the prior that ships: ``torchrun --nproc-per-node 2 -m invdiff.training.builtin slices.h5 OUT --minutes 110``.

Denoising score matching (Vincent 2011) of the U-Net under EDM's preconditioning and weighting (Karras 2022), on random
complex and real images made from magnitude slices. The learning rate follows the clock, so a run ends when it was told
to; it resumes from OUT/latest.pt, and writes OUT/prior.safetensors at the end.
"""

import copy
import csv
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import h5py
import numpy as np
import torch
import torch.distributed as dist
import typer
from numpy.typing import NDArray
from torch import Tensor, nn

from invdiff.priors import EDM, Intensity, ScorePrior, UNet, save_prior
from invdiff.training.augment import training_image

Slices = list[NDArray[np.uint8]]

DATA_STD = 0.2
SIGMA_RANGE = (0.002, 400.0)
SIZES = [(96, 6), (128, 4), (192, 2), (256, 1)]
"""(side, images a process) of a step: small patches for variety, whole slices for context."""
TEST_SIGMAS = (0.02, 0.05, 0.1, 0.2, 0.5)


def load_slices(path: Path, split: str) -> Slices:
    """Every slice of one split of the grouped HDF5 ``source/subject/name/images``, uint8 with 250 for white."""
    with h5py.File(path) as file:
        series = [group for source in file.values() for subject in source.values() for group in subject.values()]
        return [image for group in series if group.attrs["split"] == split for image in group["images"][()]]


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


def denoised(network: nn.Module, x: Tensor, sigma: Tensor) -> Tensor:
    """Karras 2022, eq. (7), with a level for each image: c_skip x + c_out F(c_in x; ln(sigma) / 4)."""
    s = sigma[:, None, None, None]
    total = s**2 + DATA_STD**2
    output: Tensor = network(x / total.sqrt(), sigma.log() / 4)
    return DATA_STD**2 / total * x + s * DATA_STD / total.sqrt() * output


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
    error = denoised(network, image + sigma[:, None, None, None] * noise, sigma) - image
    weight = (sigma**2 + DATA_STD**2) / (sigma * DATA_STD) ** 2
    return (weight * error.square().mean((1, 2, 3))).mean()


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
            error = denoised(network, image + level * noise, torch.tensor([level])) - image
            errors.append(-10 * math.log10(float(error.square().mean())))
        scores.append(float(np.mean(errors)))
    return scores


@dataclass
class Training:
    """The state of a run: network, its exponential moving average, optimiser, and how long it has taken."""

    network: UNet
    average: UNet
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, learning_rate: float) -> "Training":
        """A fresh run."""
        torch.manual_seed(0)
        network = UNet()
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.99))
        return cls(network, copy.deepcopy(network), optimizer)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["spent"]

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        state: dict[str, Any] = {"network": self.network.state_dict(), "ema": self.average.state_dict()}
        state |= {"optimizer": self.optimizer.state_dict(), "step": self.step, "spent": self.seconds}
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(path)

    def update(self, loss: Tensor, learning_rate: float) -> None:
        """One step of Adam with gradients averaged over processes and clipped, and of the moving average."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        if dist.is_initialized():
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            dist.all_reduce(flat)
            pieces = (flat / dist.get_world_size()).split([gradient.numel() for gradient in gradients])
            for gradient, piece in zip(gradients, pieces, strict=True):
                gradient.copy_(piece.view_as(gradient))
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        decay = min(0.999, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, parameter in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(parameter, 1 - decay)


def main(
    slices: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, log and prior.")],
    minutes: Annotated[float, typer.Option(help="How long to train in all.")] = 110,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 6e-4,
) -> None:
    """Train, resuming from OUT/latest.pt where there is one."""
    torch.set_num_threads(1)  # one process a core is faster than one process on all
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    rank = dist.get_rank() if dist.is_initialized() else 0
    out.mkdir(parents=True, exist_ok=True)
    train, val = load_slices(slices, "train"), load_slices(slices, "val")
    val = val[:: max(1, len(val) // 12)]
    run = Training.begin(learning_rate)
    if (out / "latest.pt").exists():
        run.resume(out / "latest.pt")
    began, saved, validated, mean_loss = time.time() - run.seconds, run.seconds, run.seconds, 0.0
    while (progress := _agreed(time.time() - began) / (60 * minutes)) < 1:
        run.seconds = progress * 60 * minutes
        side, count = SIZES[int(np.random.default_rng((7, run.step)).integers(len(SIZES)))]
        rng = np.random.default_rng((11, run.step, rank))
        loss = score_matching_loss(run.network, draw_images(train, side, count, rng), rng)
        warm_up = min(1.0, (run.step + 1) / 200)
        run.update(loss, learning_rate * warm_up * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6)
        mean_loss += (loss.item() - mean_loss) / min(run.step, 100)
        if rank == 0 and run.seconds - saved > 120:
            saved = run.seconds
            run.save(out / "latest.pt")
            _log(out / "loss.csv", [run.step, round(run.seconds), round(mean_loss, 4)])
        if run.seconds - validated > 600:
            validated = run.seconds
            if rank == 0:
                _log(out / "validation.csv", [run.step, round(run.seconds), *denoising_psnr(run.average, val)])
    if rank == 0:
        run.save(out / "latest.pt")
        _log(out / "validation.csv", [run.step, round(run.seconds), *denoising_psnr(run.average, val)])
        save_prior(as_prior(run.average), out / "prior.safetensors", dtype=torch.float16)


def _agreed(seconds: float) -> float:
    """The first process's clock, so that all stop at the same step."""
    clock = torch.tensor([seconds], dtype=torch.float64)
    if dist.is_initialized():
        dist.broadcast(clock, 0)
    return float(clock)


def _log(path: Path, row: list[float]) -> None:
    with path.open("a", newline="") as file:
        csv.writer(file).writerow(row)


if __name__ == "__main__":
    typer.run(main)
