"""Magnitude slices to train on."""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

Slices = list[NDArray[np.uint8]]


def load_slices(path: Path, split: str) -> Slices:
    """Every slice of one split of the grouped HDF5 ``source/subject/name/images``, uint8 with 250 for white."""
    with h5py.File(path) as file:
        series = [group for source in file.values() for subject in source.values() for group in subject.values()]
        return [image for group in series if group.attrs["split"] == split for image in group["images"][()]]
