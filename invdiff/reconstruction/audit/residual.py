"""What an image leaves of the measurement, in units of the noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from torch import Tensor

from invdiff.problem import Problem
from invdiff.reconstruction.audit.held_back import noise_power, places_of, squares
from invdiff.reconstruction.audit.lines import Array


@dataclass(frozen=True, eq=False)
class Residual:
    """``|y - A x|^2`` over what noise alone is expected to leave, coil by coil and band by band: near one where the
    data are explained, above where they are not, below where they are fitted too closely.

    Attributes:
        ratio: ``(coils, bands)``; one row where there are no coils.
        radius: of the bands, in cycles a pixel, ``(bands,)``; one of zero where the measurement is no k-space.
        overall: of all samples together.
    """

    ratio: Array
    radius: Array
    overall: float

    @classmethod
    def mean(cls, found: Sequence["Residual"]) -> Self:
        """The residual of several slices that were sampled alike."""
        ratio = np.mean([one.ratio for one in found], axis=0)
        return cls(ratio, found[0].radius, float(np.mean([one.overall for one in found])))

    @classmethod
    def of(cls, problem: Problem, image: Tensor) -> Self:
        """What an image leaves of a problem.

        Args:
            problem: measured by an operator that ends in a choice of samples, with a noise level above zero.
            image: of its domain.

        Raises:
            InputError: the operator ends otherwise, or the noise level is not known.
        """
        places = places_of(problem)
        power = squares(problem.y - problem.operator(image)) / noise_power(problem)
        return cls(
            np.stack([power[:, band].mean(axis=1) for band in places.bands], axis=1),
            np.array([places.radius[band].mean() for band in places.bands]),
            float(power.mean()),
        )
