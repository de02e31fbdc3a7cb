"""How far off an image's prediction of samples is."""

from dataclasses import dataclass, field, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from invdiff.problem import Problem
from invdiff.reconstruction.audit.held_back import Places, PlacesAlong, noise_power, places_of, squares
from invdiff.reconstruction.audit.lines import Array


@dataclass(frozen=True, eq=False)
class Prediction:
    """Squares at each position, summed over coils and slices.

    Attributes:
        places: where they stand.
        error: ``|y - A image|^2``, ``(n,)``.
        noise: what is expected of it though the image were true, ``(n,)``.
        signal: ``|A image|^2``, ``(n,)``.
        slices: over how many slices they are summed.
    """

    places: Places | PlacesAlong
    error: Array
    noise: Array
    signal: Array
    slices: int = field(default=1, kw_only=True)

    @classmethod
    def of_image(cls, problem: Problem, image: Tensor) -> "Prediction":
        """What an image says of a problem's samples.

        Args:
            problem: measured by an operator that ends in a choice of samples, with its noise level.
            image: of its domain.

        Raises:
            InputError: the operator ends otherwise, or the noise level is not known.
        """
        predicted = problem.operator(image)
        error = squares(problem.y - predicted)
        noise = np.full(error.shape[1], len(error) * noise_power(problem))
        return Prediction(places_of(problem), error.sum(axis=0), noise, squares(predicted).sum(axis=0))

    def __add__(self, other: Self) -> Self:
        """The prediction of this slice and another, of which the same positions were sampled."""
        names = [one.name for one in fields(self) if one.name != "places"]
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in names})

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """At some positions, bool ``(n,)``."""
        squared = {one.name: getattr(self, one.name)[chosen] for one in fields(self) if one.name not in _WHOLE}
        return replace(self, places=self.places.where(chosen), **squared)


_WHOLE = ("places", "slices")
