"""The middle slice of every series of one split of the grouped HDF5 ``source/subject/name/images``."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray


def middle_slices(path: Path, split: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """(name with contrast, image (H, W) with the 99.9th percentile of its volume at one)."""
    with h5py.File(path) as file:
        for source in file.values():
            for subject in source.values():
                for group in subject.values():
                    if group.attrs["split"] == split:
                        images = group["images"]
                        image = images[len(images) // 2].astype(np.float32) / 250
                        yield f"{group.name[1:]} ({group.attrs['contrast']})", image
