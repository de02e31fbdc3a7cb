"""What a report shows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.pictures.report.chart import Chart
from invdiff.pictures.report.course_chart import CourseChart

Magnitudes = NDArray[np.floating[Any]]
Scores = tuple[str, float, float, float]
"""The name of an image, its PSNR in dB, SSIM and NMSE."""

ERROR_SCALE = 0.2
"""The part of white that is the end of the scale of errors and standard deviations."""


@dataclass(frozen=True, eq=False)
class ReportSlice:
    """A slice in a report; all magnitudes in units of white.

    Attributes:
        number: what it is called.
        images: by title, each ``(H, W)``, from what was known first to the truth, if that is known.
        about: title of the image under scrutiny, about which the samples are.
        error: the difference of its magnitude from the truth's, from zero, ``(H, W)``.
        deviation: the standard deviation of its magnitude, ``(H, W)``.
        samples: of its magnitude, ``(samples, H, W)``.
        scores: of the images against the truth.

    Raises:
        InputError: shapes differ, numbers are not finite or below zero, or the image under scrutiny is none of them.
    """

    number: int
    images: Mapping[str, Magnitudes]
    about: str
    error: Magnitudes | None = None
    deviation: Magnitudes | None = None
    samples: Magnitudes | None = None
    scores: Sequence[Scores] = ()

    def __post_init__(self) -> None:
        if self.about not in self.images:
            raise InputError(f"The image under scrutiny is called {self.about!r}, and there are {list(self.images)}.")
        shape = self.images[self.about].shape
        samples = () if self.samples is None else tuple(self.samples)
        given = [*self.images.values(), self.error, self.deviation, *samples]
        for one in given:
            if one is not None and (one.ndim != 2 or one.shape != shape):
                raise InputError(f"Slice {self.number}: an image has shape {one.shape}, and others {shape}.")
            if one is not None and not (np.isfinite(one).all() and (one >= 0).all()):
                raise InputError(f"Slice {self.number}: an image holds numbers that are no magnitudes.")


@dataclass(frozen=True, eq=False)
class Sampled:
    """What was measured of k-space, or of pixels.

    Attributes:
        picture: from 0, where nothing was, to 1, ``(H, W)``.
        title: what to call it.
        note: what it shows.
    """

    picture: NDArray[np.floating[Any]]
    title: str
    note: str


@dataclass(frozen=True, eq=False)
class Report:
    """All that is told of a result.

    Attributes:
        title: such as the name of the file that was reconstructed.
        subtitle: how, in a line.
        count: of the slices.
        slices: makes those of a range of rows, one after the other, so that one alone need be in memory.
        white: the magnitude of white in the images' units.
        top: the end of the scale of errors at first, a part of white.
        pixel: height and width of a pixel, in one unit.
        warnings: sentences.
        sampled: what was measured.
        course: what the runs came to, iteration by iteration.
        charts: of the audit.
        verdict: sentences of the audit.
        target: what the truth is, which is a part of every score.
        samples: how many there are, more than are shown perhaps.
        command: that made the result.
        facts: how it was made, by name.
        of: what tells its result from others, in few letters and digits.
    """

    title: str
    subtitle: str
    count: int
    slices: Callable[[range], Iterator[ReportSlice]]
    white: float
    top: float = ERROR_SCALE
    pixel: tuple[float, float] = (1.0, 1.0)
    warnings: Sequence[str] = ()
    sampled: Sampled | None = None
    course: Sequence[CourseChart] = ()
    charts: Sequence[Chart] = ()
    verdict: Sequence[str] = ()
    target: str = "the truth"
    samples: int = 0
    command: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    of: str = ""
