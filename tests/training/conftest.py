from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

Y, X = np.mgrid[-1:1:40j, -1:1:40j]
SLICES = [(250 * np.exp(-k * (X**2 + Y**2))).astype(np.uint8) for k in (1, 3, 6)]


@pytest.fixture(scope="session")
def slices() -> list[NDArray[np.uint8]]:
    return SLICES


@pytest.fixture(scope="session")
def grouped() -> Callable[[Path], Path]:
    """Write the layout that training reads, source/subject/name/images: two subjects to train, one to validate."""

    def write(path: Path) -> Path:
        with h5py.File(path, "w") as file:
            for i, split in enumerate(["train", "train", "val"]):
                series = file.create_group(f"source{i % 2}/subject{i}/t1")
                series["images"] = np.stack([SLICES[i], SLICES[i].T])
                series.attrs["split"] = split
        return path

    return write
