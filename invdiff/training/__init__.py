"""Training priors by denoising score matching."""

from invdiff.training.augmentation import Augmentation
from invdiff.training.config import BatchSize, RunConfig, TrainingConfig
from invdiff.training.config_file import read_config, write_config
from invdiff.training.images import (
    DatasetImages,
    FastMRIImages,
    GroupedImages,
    Images,
    NiftiImages,
    NpyImages,
    PhantomImages,
)
from invdiff.training.loop import fit
from invdiff.training.score_matching import ScoreMatching
from invdiff.training.statistics import ImageStatistics, image_statistics
from invdiff.training.task import Task
from invdiff.training.train import train

__all__ = [
    "Augmentation",
    "BatchSize",
    "DatasetImages",
    "FastMRIImages",
    "GroupedImages",
    "ImageStatistics",
    "Images",
    "NiftiImages",
    "NpyImages",
    "PhantomImages",
    "RunConfig",
    "ScoreMatching",
    "Task",
    "TrainingConfig",
    "fit",
    "image_statistics",
    "read_config",
    "train",
    "write_config",
]
