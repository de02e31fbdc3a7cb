"""From a configuration to a trained prior."""

import os
from pathlib import Path

import torch
from torch import nn

from invdiff.errors import InputError
from invdiff.priors import ConditionalPrior, ScorePrior
from invdiff.training.config import TrainingConfig, UnsampledKspaceConfig
from invdiff.training.fine_tuning import load_start
from invdiff.training.images import Images, ImagesConfig, Split
from invdiff.training.loop import Progress, Say, fit, silent
from invdiff.training.tasks.score_matching import ScoreMatching
from invdiff.training.tasks.task import Task
from invdiff.training.tasks.unsampled_kspace import UnsampledKspaceTask


def train(
    config: TrainingConfig | UnsampledKspaceConfig,
    out: str | os.PathLike[str],
    *,
    images: Images | None = None,
    validation: Images | None = None,
    strict: bool = False,
    progress: Progress = silent,
    say: Say = silent,
) -> ScorePrior | ConditionalPrior:
    """Train a prior, and write it to OUT/prior.safetensors: of images by denoising score matching, or of what else the
    configuration's task says.

    A run goes on from OUT/checkpoint.pt where there is one. In several processes (``torchrun``, ``accelerate
    launch``) every one has to call this.

    Args:
        config: every choice; also in OUT/config.yaml.
        out: an existing folder.
        images: to train on, instead of ``config.data``; for a data set of your own see `DatasetImages`.
        validation: to validate on, instead of ``config.validation``.
        strict: whether bad volumes and slices are an error; otherwise they are left out with a warning.
        progress: called with (steps done, steps in all).
        say: called with lines about how it goes.

    Raises:
        InputError: there are no images, the loss is not finite, the checkpoint is of another network, ``config.start``
            does not fit, or a file can't be written.
        KeyboardInterrupt: it was stopped; a checkpoint is written.
    """
    task, network = prepare(config, images=images, validation=validation, strict=strict, say=say)
    return fit(task, network, config, Path(out), progress=progress, say=say)


def prepare(
    config: TrainingConfig | UnsampledKspaceConfig,
    *,
    images: Images | None = None,
    validation: Images | None = None,
    strict: bool = False,
    say: Say = silent,
) -> tuple[Task, nn.Module]:
    """What a run needs before its first step: the task with its images, and the network as it begins.

    Arguments and ``Raises`` are those of `train`.
    """
    if images is None:
        if config.data is None:
            raise InputError("There is nothing to train on: give data in the configuration.")
        images = _read(config.data, "data", "train", strict)
    if validation is None:
        field = "data" if config.validation is None else "validation"
        source = config.data if config.validation is None else config.validation
        if source is None:
            raise InputError("There is nothing to validate on: give validation in the configuration.")
        validation = _read(source, field, "val", strict)
    left_out = len(images.skipped) + len(validation.skipped)
    say(f"{len(images)} images to train on, {len(validation)} to validate on, {left_out} volume(s) with faults")
    torch.manual_seed(config.seed)
    network = config.network.build()
    if isinstance(config, UnsampledKspaceConfig):
        return UnsampledKspaceTask(config, images, validation), network
    if config.start is not None:
        try:
            network.load_state_dict(load_start(config.start).network.state_dict())
        except RuntimeError as error:
            raise InputError(f"start: {config.start} holds another network than the configuration's.") from error
    return ScoreMatching(config, images, validation), network


def _read(source: ImagesConfig, field: str, split: Split, strict: bool) -> Images:
    """The images of a source; what is wrong with them is told beside the field of the configuration that names them."""
    try:
        return source.read(split, strict)
    except InputError as error:
        raise InputError(f"{field}.path: {error}") from error
