"""What a reconstruction is compared with where nothing but fully sampled data is known.

A score means little without its target: the same image can differ by several dB between these two.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from invdiff.data import combine

Complex = NDArray[np.complex64]


def mvue(coil_images: Complex, maps: Complex) -> Complex:
    """The combination of coils by their maps, estimated as for the reconstruction: the minimum-variance unbiased
    estimate where all coils are equally noisy.
    """
    return combine(coil_images, maps)


def rss(coil_images: Complex, maps: Complex) -> Complex:
    """The root sum of squares of the coils, which keeps the noise of the background; maps are not looked at."""
    root: Complex = np.sqrt((np.abs(coil_images) ** 2).sum(axis=-3)).astype(np.complex64)
    return root


TARGETS: dict[str, Callable[[Complex, Complex], Complex]] = {"mvue": mvue, "rss": rss}
"""Targets by name: each is called with coil images and maps, ``(slices, coils, H, W)`` both."""
