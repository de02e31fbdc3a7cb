"""What a run of training would be, before it is one: its size, its time, and the images that it would see."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from invdiff.files.folder import make_folder
from invdiff.pictures import write_grid
from invdiff.training.batches import Batches
from invdiff.training.config import RunConfig
from invdiff.training.loop import make_accelerator, move
from invdiff.training.placement import Placement
from invdiff.training.state import State
from invdiff.training.tasks.task import Task

SHOWN, TIMED = 12, 3
"""Augmented images in a picture; and steps of each size of batch that are timed, after one that is not."""


@dataclass(frozen=True)
class Rehearsal:
    """What a run would be.

    Attributes:
        parameters: numbers that are learned.
        steps: in all.
        network_seconds: a step takes on this device, once its images are there: the mean over sizes of batches.
        images_seconds: one process takes to prepare the images of a step.
        workers: processes that do so.
        pictures: of augmented images, a file a size of batch.
    """

    parameters: int
    steps: int
    network_seconds: float
    images_seconds: float
    workers: int
    pictures: tuple[Path, ...]

    @property
    def step_seconds(self) -> float:
        """A step takes: images are prepared beside the network, where there are workers."""
        if not self.workers:
            return self.network_seconds + self.images_seconds
        return max(self.network_seconds, self.images_seconds / self.workers)


def rehearse(task: Task, network: nn.Module, config: RunConfig, out: Path) -> Rehearsal:
    """Take a few steps that nothing is kept of, and draw images as training would see them to OUT/pictures.

    Args:
        task: what would be learned.
        network: that would learn it; it is changed.
        config: how.
        out: an existing folder.

    Raises:
        InputError: accelerate isn't installed, or a picture can't be written.
    """
    placement = Placement(config, make_accelerator().device)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    state = State.begin(placement.network(network).train(), config)
    of_images: list[float] = []
    of_network: list[float] = []
    for size in config.batches:
        batches = Batches(task, [size], config.seed)
        times = [_timed_step(task, state, config, placement, batches) for _ in range(1 + TIMED)][1:]
        for kept, seconds in zip((of_images, of_network), np.median(times, axis=0).tolist(), strict=True):
            kept.append(seconds)
    return Rehearsal(
        parameters=parameters,
        steps=config.steps,
        network_seconds=float(np.mean(of_network)),
        images_seconds=float(np.mean(of_images)),
        workers=config.workers,
        pictures=tuple(_draw_examples(task, size.side, out / "pictures") for size in config.batches),
    )


def _timed_step(
    task: Task, state: State, config: RunConfig, placement: Placement, batches: Batches
) -> tuple[float, float]:
    """Seconds of preparing a batch, and of what the network does with it."""
    begin = time.perf_counter()
    batch = batches[state.step]
    prepared = time.perf_counter()
    with placement.autocast():
        loss = task.loss(state.network, placement.batch(batch))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.gradient_clip or torch.inf)
    move(state, config)
    loss.item()  # a GPU is waited for
    return prepared - begin, time.perf_counter() - prepared


def _draw_examples(task: Task, side: int, folder: Path) -> Path:
    """Write a PNG of images as a batch has them, each labelled by what it is."""
    drawn = [task.example(side, np.random.default_rng((0, index))) for index in range(SHOWN)]
    path = folder / f"augmented-{side}.png"
    make_folder(folder)
    write_grid(path, np.stack([image for image, _ in drawn]), labels=[word for _, word in drawn])
    return path
