"""How far off predictions of held-back samples were, and how far off the spread of posterior samples says they are."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from invdiff.errors import InputError
from invdiff.problem import Problem
from invdiff.reconstruction.audit.held_back import squares
from invdiff.reconstruction.audit.lines import Array
from invdiff.reconstruction.audit.prediction import Prediction


@dataclass(frozen=True, eq=False)
class Discrepancy(Prediction):
    """Squares at each held-back position, summed over coils and slices; where the image is the mean of few samples, the
    noise holds what these few leave of chance.

    Attributes:
        variance: of ``A x`` over posterior samples x, ``(n,)``.
    """

    variance: Array

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
        found = Prediction.of_image(hidden, samples.mean(0) if image is None else image)
        variance = squares(hidden.operator(samples - samples.mean(0))).sum(axis=0) / (len(samples) - 1)
        noise = found.noise if image is not None else found.noise + variance / len(samples)
        return cls(found.places, found.error, noise, found.signal, variance)
