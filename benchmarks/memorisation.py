"""Does the built-in prior repeat its training slices? `python benchmarks/memorisation.py ../shared/data/slices.h5 OUT`.

Unconditional samples, and as many images made of `val` as training images are made of `train`, each against the place
in the training slices most like it. Likeness is the absolute correlation of magnitudes with a window of a slice, over
all places, three scales, and the eight flips and quarter turns that training uses. A prior that repeats its data has
samples more like a training slice than new people are. Prints the table of the model card, and writes OUT/nearest.png:
samples above, what they are most like below.
"""

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from invdiff.cli.heap import keep_heap
from invdiff.methods import unconditional
from invdiff.pictures import write_grid
from invdiff.priors import load_prior
from invdiff.reconstruction import Generation
from invdiff.training.augmentation import Augmentation
from invdiff.training.images import Images
from invdiff.training.resampling import resize
from invdiff.training.sources.grouped import GroupedImages

COUNT, SIZE = 32, 128
WINDOW = 64
"""Samples are halved to this side, slices to the SCALES that bring them to the sizes at which training shows them."""
SCALES = (64, 96, 128)
LEAST_SIGNAL = 0.25
"""Windows with less than this part of the power that a slice has on average are air, and like nothing."""
Stack = NDArray[np.float32]


def normalised(image: NDArray[np.inexact]) -> Stack:
    """The magnitude at WINDOW x WINDOW, mean zero and norm one."""
    small = resize(np.abs(image).astype(np.float32), (WINDOW, WINDOW))
    small = small - small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-9)


def at_scale(images: Images, side: int) -> Stack:
    """Every slice with its longer side brought to ``side``, in the middle of a square of that side."""
    squares = np.zeros((len(images), side, side), np.float32)
    for square, index in zip(squares, range(len(images)), strict=True):
        image = np.abs(images[index])
        shape = [round(n * side / max(image.shape)) for n in image.shape]
        top, left = ((side - n) // 2 for n in shape)
        square[top : top + shape[0], left : left + shape[1]] = resize(image, (shape[0], shape[1]))
    return squares


class Windows:
    """The windows of slices at one scale, ready to be correlated with."""

    def __init__(self, squares: Stack) -> None:
        self._shape = squares.shape[1:]
        self.squares, self._spectrum = squares, scipy.fft.rfft2(squares)
        box = scipy.fft.rfft2(np.ones((WINDOW, WINDOW), np.float32), s=self._shape).conj()
        mean = self._back(self._spectrum * box) / WINDOW**2
        power = self._back(scipy.fft.rfft2(squares**2) * box)
        variation = np.maximum(power - WINDOW**2 * mean**2, 0)
        enough = power > LEAST_SIGNAL * WINDOW**2 * (squares**2).mean(axis=(1, 2), keepdims=True)
        self._weight = np.where(enough, 1 / np.sqrt(variation + 1e-9), 0).astype(np.float32)

    def likeness(self, image: Stack) -> tuple[float, Stack]:
        """Of a normalised image: the highest absolute correlation, and the window that has it."""
        template = scipy.fft.rfft2(image, s=self._shape)
        correlation = np.abs(self._back(self._spectrum * template.conj()) * self._weight)
        index, row, column = np.unravel_index(correlation.argmax(), correlation.shape)
        window = self.squares[index, row : row + WINDOW, column : column + WINDOW]
        return float(correlation[index, row, column]), window

    def _back(self, spectrum: NDArray[np.complex64]) -> Stack:
        last = self._shape[0] - WINDOW + 1, self._shape[1] - WINDOW + 1
        whole: Stack = scipy.fft.irfft2(spectrum, s=self._shape)
        return whole[:, : last[0], : last[1]]


def poses(image: Stack) -> Iterator[Stack]:
    """An image, flipped and turned in all eight ways."""
    for flip, turns in product((1, -1), range(4)):
        yield np.rot90(image[:, ::flip], turns)


def main() -> None:
    keep_heap()
    path, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    training, validation = (GroupedImages(path=path).read(split, strict=True) for split in ("train", "val"))
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(validation), COUNT, replace=False)
    new = [Augmentation()(validation[int(index)], SIZE, rng) for index in chosen]
    drawn = Generation(unconditional(), load_prior("builtin"), (SIZE, SIZE), samples=COUNT, seed=0)().samples
    scales = [Windows(at_scale(training, side)) for side in SCALES]
    print("| | images | median | highest |\n|---|---|---|---|")
    for name, images in (("images of `val`", new), ("samples", drawn)):
        found = []
        for image in map(normalised, images):
            tried = [(*windows.likeness(pose), pose) for pose in poses(image) for windows in scales]
            found.append(max(tried, key=lambda one: one[0]))
        values = [value for value, _, _ in found]
        print(f"| {name} | {len(values)} | {np.median(values):.3f} | {max(values):.3f} |", flush=True)
    pairs = np.stack([pose - pose.min() for _, _, pose in found] + [window for _, window, _ in found])
    write_grid(out / "nearest.png", pairs / pairs.max(axis=(1, 2), keepdims=True), columns=COUNT)


if __name__ == "__main__":
    main()
