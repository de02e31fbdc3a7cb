"""A head of ellipses with noise, as a report."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from invdiff.pictures.report import Band, Chart, CourseChart, Line, Report, ReportSlice, Sampled

HOSTILE = "\x1b[31m<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u2028\udc80.h5"


def head(side: int) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    image = 0.4 * ((x / 0.75) ** 2 + (y / 0.92) ** 2 < 1) + 0.25 * ((x / 0.7) ** 2 + (y / 0.86) ** 2 < 1)
    for centre in (-0.25, 0.25):
        image -= 0.3 * (((x - centre) / 0.15) ** 2 + ((y + 0.2) / 0.3) ** 2 < 1)
    return np.maximum(image + 0.3 * (x**2 + (y - 0.4) ** 2 < 0.02), 0)


def slices(side: int = 24, samples: int = 3) -> Callable[[range], Iterator[ReportSlice]]:
    """Of noise of 2 % of white in the head and of 0.5 % all around."""
    truth = head(side)

    def make(rows: range) -> Iterator[ReportSlice]:
        for row in rows:
            rng = np.random.default_rng(row)
            deviation = np.where(truth > 0, 0.02, 0.005)
            estimate = np.abs(truth + deviation * rng.standard_normal(truth.shape))
            drawn = np.abs(estimate + deviation * rng.standard_normal((samples, side, side)))
            yield ReportSlice(
                row,
                {"zero-filled": (truth + np.roll(truth, side // 4, 1)) / 2, "estimate": estimate, "truth": truth},
                "estimate",
                error=np.abs(estimate - truth),
                deviation=deviation if samples > 1 else None,
                samples=drawn if samples else None,
                scores=[("zero-filled", 20.0, 0.6, 0.1), ("estimate", 33.0, 0.95, 0.01)],
            )

    return make


def report(*, side: int = 24, count: int = 1, samples: int = 3, **changed: Any) -> Report:
    """With everything that there can be in one."""
    line = Line([0.1, 0.2, 0.4], [1.2, 1.5, 0.9], [0.1, 0.2, 0.3])
    band = Band([4.0, 2.0, 1.0], [3.0, 1.5, 0.9], [5.0, 2.5, 1.1])
    given: dict[str, Any] = {
        "title": "brain.h5",
        "subtitle": "estimate, 4.0 times undersampled",
        "slices": slices(side, samples),
        "white": 3e-5,
        "top": 0.1,
        "warnings": ["maps leave much of the calibration data unexplained"],
        "sampled": Sampled((np.arange(side) % 4 * np.ones((side, side)) == 0) * 1.0, "Samples of k-space", "25.0%"),
        "course": [CourseChart("residual, over what noise would leave", {"samples": band}, 1.0)],
        "charts": [Chart("times too small that error bars were", "radius", line, 1.0)],
        "verdict": ["error bars were 1.4 times too small and have been widened"],
        "command": "invdiff solve brain.h5 --samples 3",
        "facts": {"method": "estimate"},
    }
    return Report(count=count, samples=samples, **{**given, **changed})
