"""Training priors: of images, and of unsampled k-space."""

from invdiff.training.augmentation import Augmentation
from invdiff.training.config import BatchSize, RunConfig, TrainingConfig, UnsampledKspaceConfig
from invdiff.training.config_file import read_config, write_config
from invdiff.training.images import (
    BidsImages,
    DatasetImages,
    DicomImages,
    FastMRIImages,
    GroupedImages,
    Images,
    NiftiImages,
    NpyImages,
    PhantomImages,
)
from invdiff.training.loop import fit
from invdiff.training.rehearsal import Rehearsal, rehearse
from invdiff.training.shipped_configs import SHIPPED_CONFIGS, describe_config
from invdiff.training.statistics import ImageStatistics, image_statistics
from invdiff.training.tasks.score_matching import ScoreMatching
from invdiff.training.tasks.task import Task
from invdiff.training.tasks.unsampled_kspace import UnsampledKspaceTask
from invdiff.training.train import prepare, train

__all__ = [
    "SHIPPED_CONFIGS",
    "Augmentation",
    "BatchSize",
    "BidsImages",
    "DatasetImages",
    "DicomImages",
    "FastMRIImages",
    "GroupedImages",
    "ImageStatistics",
    "Images",
    "NiftiImages",
    "NpyImages",
    "PhantomImages",
    "Rehearsal",
    "RunConfig",
    "ScoreMatching",
    "Task",
    "TrainingConfig",
    "UnsampledKspaceConfig",
    "UnsampledKspaceTask",
    "describe_config",
    "fit",
    "image_statistics",
    "prepare",
    "read_config",
    "rehearse",
    "train",
    "write_config",
]
