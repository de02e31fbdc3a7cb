"""The course of runs as arrays, which are kept with a result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.diffusion import RunTrace
from invdiff.diffusion.run_trace import Iteration

Numbers = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Course:
    """What every iteration of some samples came to, of one slice or, with an axis in front, of several; NaN where it is
    unknown, and in iterations that a late start passes over. `invdiff.diffusion.Iteration` tells what the numbers are.

    Attributes:
        sigma: the noise level that an iteration began at, in the prior's units, float32 ``(iterations,)``.
        change: of the estimate of the clean image over its norm, float32 ``(samples, iterations)``.
        residual: over what noise alone would leave, float32 ``(samples, iterations)``.
    """

    sigma: Numbers
    change: Numbers
    residual: Numbers

    @classmethod
    def of(cls, trace: RunTrace, samples: Sequence[int], iterations: int) -> Self:
        """The course that a trace tells.

        Args:
            trace: of a run.
            samples: indices of its samples.
            iterations: of a run from the first level on.
        """
        every = [trace.of_sample(sample) for sample in samples]

        def rows(of: list[list[Iteration]], name: str) -> Numbers:
            found = np.full((len(of), iterations), np.nan, np.float32)
            for row, course in zip(found, of, strict=True):
                row[iterations - len(course) :] = np.array([getattr(one, name) for one in course], np.float32)
            return found

        return cls(rows(every[:1], "sigma")[0], rows(every, "change"), rows(every, "residual"))

    @classmethod
    def unknown(cls, samples: int, iterations: int) -> Self:
        """The course of samples which were not drawn."""
        return cls(*(np.full(shape, np.nan, np.float32) for shape in ((iterations,), *[(samples, iterations)] * 2)))

    @classmethod
    def gathered(cls, samples: Sequence[Mapping[str, NDArray[Any]]]) -> Self:
        """The course of samples of one slice, from what `of_sample` gave of each."""
        change, residual = (np.stack([one[name] for one in samples]) for name in ("change", "residual"))
        return cls(samples[0]["sigma"], change, residual)

    @classmethod
    def stacked(cls, slices: Sequence[Self]) -> Self:
        """The courses of several slices as one."""
        return cls(*(np.stack([getattr(one, name) for one in slices]) for name in PARTS))

    def of_sample(self, place: int) -> dict[str, Numbers]:
        """What belongs to a sample of one slice, by name."""
        return {"sigma": self.sigma, "change": self.change[place], "residual": self.residual[place]}

    def arrays(self, of: str) -> dict[str, Numbers]:
        """All of it by the names of data sets, such as ``samples_sigma``.

        Args:
            of: whose course it is, such as ``samples``.
        """
        return {f"{of}_{name}": getattr(self, name) for name in PARTS}

    def lines(self, name: str) -> list[list[float]]:
        """What a part of it is over the iterations, a line for each sample, or of ``sigma`` for each slice."""
        numbers: Numbers = getattr(self, name)
        return numbers.reshape(-1, numbers.shape[-1]).tolist()

    def of_slice(self, place: int) -> Self:
        """The course of one slice of several."""
        return type(self)(*(getattr(self, name)[place] for name in PARTS))

    def of_slices(self, places: Sequence[int]) -> Self:
        """The course of some slices of several."""
        return type(self)(*(getattr(self, name)[list(places)] for name in PARTS))


PARTS = tuple(field.name for field in fields(Course))
"""What a course is made of, by name."""
