"""Series of images and how they are sampled: what several benchmarks share."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from invdiff.data import to_image, to_kspace

SAMPLINGS = {"4x lines": ("random", 4.0, 0.08), "8x lines": ("random", 8.0, 0.04), "8x Poisson": ("poisson", 8.0, 0.06)}
"""Mask, acceleration and centre fraction, by name."""


def middle_slices(path: Path, split: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The middle slice of every series of one split of the grouped HDF5 ``source/subject/name/images``: (name with
    contrast, image (H, W) with the 99.9th percentile of its volume at one)."""
    with h5py.File(path) as file:
        for source in file.values():
            for subject in source.values():
                for group in subject.values():
                    if group.attrs["split"] == split:
                        images = group["images"]
                        image = images[len(images) // 2].astype(np.float32) / 250
                        yield f"{group.name[1:]} ({group.attrs['contrast']})", image


def small(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The image by the centre of its k-space, ``(side, side)``."""
    cut = tuple(slice(n // 2 - side // 2, n // 2 + side // 2) for n in image.shape)
    return np.abs(to_image(to_kspace(image.astype(np.complex64))[cut])).astype(np.float32)
