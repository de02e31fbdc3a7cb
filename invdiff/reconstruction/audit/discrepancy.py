"""How far off predictions of held-back samples were, and how far off the spread of posterior samples says they are."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from invdiff.errors import InputError
from invdiff.problem import Problem
from invdiff.reconstruction.audit.held_back import Places, PlacesAlong, noise_power, places_of, squares

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Discrepancy:
    """Squares at each held-back position, summed over coils and slices.

    Attributes:
        places: where they stand.
        error: ``|y - A image|^2``, ``(n,)``.
        noise: what is expected of it though the image were the posterior's mean and that true: noise, and where the
            image is the mean of few samples, what these few leave of chance, ``(n,)``.
        variance: of ``A x`` over posterior samples x, ``(n,)``.
        slices: over how many slices they are summed.
    """

    places: Places | PlacesAlong
    error: Array
    noise: Array
    variance: Array
    slices: int = 1

    @classmethod
    def of(cls, hidden: Problem, samples: Tensor, image: Tensor | None = None) -> Self:
        """The errors of an image that was made without having seen some samples, and of posterior samples made so.

        Args:
            hidden: what they have not seen, with its noise level.
            samples: ``(samples, *domain)``, at least two.
            image: of the problem's domain; None: the mean of the samples.

        Raises:
            InputError: there are fewer than two samples, or the noise level is not known.
        """
        if len(samples) < 2:
            raise InputError("One sample has no spread to be judged; draw two or more.")
        coils, count = hidden.y.numel() // hidden.y.shape[-1], hidden.y.shape[-1]
        noise = np.full(count, coils * noise_power(hidden))
        variance = squares(hidden.operator(samples - samples.mean(0))).sum(axis=0) / (len(samples) - 1)
        return cls(
            places_of(hidden),
            squares(hidden.y - hidden.operator(samples.mean(0) if image is None else image)).sum(axis=0),
            noise if image is not None else noise + variance / len(samples),
            variance,
        )

    def __add__(self, other: "Discrepancy") -> Self:
        """Of this slice and another, of which the same positions were held back."""
        summed = {name: getattr(self, name) + getattr(other, name) for name in ("error", "noise", "variance", "slices")}
        return replace(self, **summed)
