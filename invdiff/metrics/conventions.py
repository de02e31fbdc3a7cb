"""Metrics by the name of who scores so: what the range of the data is, what is clipped, and over what is averaged.

The same image scores differently by each, so a score is told with its convention, as with its target.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from invdiff.errors import InputError
from invdiff.metrics.metrics import GAUSSIAN, UNIFORM, Image, Real, Scores, Window, decibels, magnitudes
from invdiff.named import named

Box = tuple[slice, slice]
WHOLE: Box = (slice(None), slice(None))


def largest_of_volume(truth: Real) -> Real:
    """The largest magnitude of all slices, for each slice: ``(slices,)``."""
    return np.full(len(truth), truth.max())


def largest_of_slice(truth: Real) -> Real:
    """The largest magnitude of each slice: ``(slices,)``."""
    peaks: Real = truth.max(axis=(1, 2))
    return peaks


@dataclass(frozen=True)
class Convention:
    """How a system scores reconstructions.

    Args:
        name: what the command line calls it.
        source: whose it is, and where it can be read.
        peak: the range of the data for each slice, from true magnitudes ``(slices, H, W)``.
        clipped: whether magnitudes above the range are cut down to it.
        volumes: whether a volume has one score, over all its pixels, instead of one for each slice.
        window: of SSIM.
    """

    name: str
    source: str
    peak: Callable[[Real], Real]
    clipped: bool
    volumes: bool
    window: Window

    def units(self, slices: int) -> list[int | None]:
        """What has a score of its own: each slice by its index, or None for the volume."""
        return [None] if self.volumes else list(range(slices))

    def compare(self, truth: Image, image: Image) -> "Agreement":
        """Compare volumes ``(slices, H, W)``, real or complex, in the same units, by their magnitudes.

        Raises:
            InputError: shapes differ, numbers are not finite, images are smaller than SSIM's window, or the truth, or a
                slice of it that sets the range, is zero everywhere.
        """
        a, b = magnitudes(truth, image)
        peaks = self.peak(a)
        if not peaks.all():
            raise InputError(
                f"Slice {int(np.argmin(peaks))} of the truth is zero everywhere, so {self.name} can't score it; leave "
                "it out."
            )
        if self.clipped:
            b = np.minimum(b, peaks[:, None, None])
        similarity = np.stack(
            [self.window.similarity(x, y, float(peak)) for x, y, peak in zip(a, b, peaks, strict=True)]
        )
        return Agreement(a, (a - b) ** 2, similarity, peaks, self.window)


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far two volumes agree, pixel by pixel; scores are sums over parts of it.

    Attributes:
        truth: magnitudes ``(slices, H, W)``.
        squared_error: of the same shape.
        similarity: of the same shape, the SSIM around each pixel.
        peaks: the range of the data, ``(slices,)``.
        window: of SSIM.
    """

    truth: Real
    squared_error: Real
    similarity: Real
    peaks: Real
    window: Window

    def scores(self, index: int | None = None, box: Box = WHOLE) -> Scores:
        """Scores of a slice, or of the volume where it is None.

        Within a box, the range stays that of the whole slice or volume, and SSIM is the mean over the box's pixels of
        what their windows see, also of what lies beyond the box.
        """
        part = (slice(None) if index is None else slice(index, index + 1), *box)
        error, truth = self.squared_error[part], self.truth[part]
        similarity = self.window.inside(self.similarity[part]) if box == WHOLE else self.similarity[part]
        return Scores(
            psnr=decibels(float(self.peaks[part[0]].max()), float(error.mean())),
            ssim=float(similarity.mean()),
            nmse=_ratio(float(error.sum()), float((truth**2).sum())),
        )


def _ratio(error: float, power: float) -> float:
    """Infinite for an error where the truth is zero, as in a box outside the object."""
    if power == 0:
        return 0.0 if error == 0 else float("inf")
    return error / power


CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            "fastmri",
            "Zbontar et al., fastMRI: an open dataset and benchmarks for accelerated MRI (arXiv 1811.08839)",
            peak=largest_of_volume,
            clipped=False,
            volumes=True,
            window=UNIFORM,
        ),
        Convention(
            "inversebench",
            "Zheng et al., InverseBench: benchmarking plug-and-play diffusion priors for inverse problems in physical "
            "sciences (ICLR 2025)",
            peak=largest_of_slice,
            clipped=True,
            volumes=False,
            window=GAUSSIAN,
        ),
        Convention(
            "song",
            "Song, Shen, Xing & Ermon, Solving inverse problems in medical imaging with score-based generative models "
            "(ICLR 2022): volumes scaled to [0, 1]",
            peak=largest_of_volume,
            clipped=True,
            volumes=False,
            window=GAUSSIAN,
        ),
    )
}
"""Conventions by name."""


def find_convention(name: str) -> Convention:
    """The convention of that name.

    Raises:
        InputError: there is none.
    """
    return named(CONVENTIONS, name, "convention")
