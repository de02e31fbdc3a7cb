from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from invdiff.priors import Intensity
from invdiff.training import DatasetImages

Y, X = np.mgrid[-1:1:40j, -1:1:40j]
SLICES = [(250 * np.exp(-k * (X**2 + Y**2))).astype(np.uint8) for k in (1, 3, 6)]


@pytest.fixture(scope="session")
def images() -> DatasetImages:
    """Three images (40, 40), white at one."""
    return DatasetImages([image.astype(np.float32) / 250 for image in SLICES], Intensity(99.9, 1.0))


@pytest.fixture(scope="session")
def grouped() -> Callable[[Path], Path]:
    """Write the layout source/subject/name/images: two subjects to train, one to validate."""

    def write(path: Path) -> Path:
        with h5py.File(path, "w") as file:
            for i, split in enumerate(["train", "train", "val"]):
                series = file.create_group(f"source{i % 2}/subject{i}/t1")
                series["images"] = np.stack([SLICES[i], SLICES[i].T])
                series.attrs["split"] = split
        return path

    return write


@pytest.fixture(scope="session")
def noise() -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((4, 48, 40), dtype=np.float32)
