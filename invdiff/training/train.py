"""From a configuration to a trained prior of images."""

import os
from pathlib import Path

import torch

from invdiff.errors import InputError
from invdiff.priors import ScorePrior, load_prior
from invdiff.training.config import TrainingConfig
from invdiff.training.images import Images
from invdiff.training.loop import Progress, Say, fit, silent
from invdiff.training.score_matching import ScoreMatching


def train(
    config: TrainingConfig,
    out: str | os.PathLike[str],
    *,
    images: Images | None = None,
    validation: Images | None = None,
    strict: bool = False,
    progress: Progress = silent,
    say: Say = silent,
) -> ScorePrior:
    """Train a prior by denoising score matching, and write it to OUT/prior.safetensors.

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
    out = Path(out)
    source = config.validation if config.validation is not None else config.data
    if images is None:
        if config.data is None:
            raise InputError("There is nothing to train on: give data in the configuration.")
        images = config.data.read("train", strict)
    if validation is None:
        if source is None:
            raise InputError("There is nothing to validate on: give validation in the configuration.")
        validation = source.read("val", strict)
    left_out = len(images.skipped) + len(validation.skipped)
    say(f"{len(images)} images to train on, {len(validation)} to validate on, {left_out} volume(s) with faults")
    torch.manual_seed(config.seed)
    network = config.network.build()
    if config.start is not None:
        start = load_prior(config.start)
        if not isinstance(start, ScorePrior):
            raise InputError(f"start: {config.start} is no prior of images.")
        try:
            network.load_state_dict(start.network.state_dict())
        except RuntimeError as error:
            raise InputError(f"start: {config.start} holds another network than the configuration's.") from error
    prior = fit(ScoreMatching(config, images, validation), network, config, out, progress=progress, say=say)
    assert isinstance(prior, ScorePrior)
    return prior
