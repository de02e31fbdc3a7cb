"""What a few samples tell of a number that is not known: Student's distribution."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from invdiff.errors import InputError

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Student:
    """Student's distribution of numbers, each by itself: what K samples from a Gaussian tell of one more draw.

    A quantile of four samples can't hold 90 %, and a Gaussian with their standard deviation holds too little: that
    deviation is not known either. So the number is ``centre + scale * t`` with K - 1 degrees of freedom (Student 1908;
    Gelman et al., Bayesian Data Analysis, 3rd edition, section 3.2, where the predictive factor stands, too).

    Attributes:
        centre: mean of the samples, float64 of any shape.
        scale: of their standard deviation, with K - 1, the same where the centre is known beside them, and
            ``sqrt(1 + 1 / K)`` times as much where it is no better known than their mean.
        degrees: of freedom, K - 1.
    """

    centre: Numbers
    scale: Numbers
    degrees: int

    @classmethod
    def of(cls, samples: ArrayLike, *, is_centre_known: bool) -> Self:
        """What samples tell.

        Args:
            samples: real ``(K, ...)``, at least two.
            is_centre_known: whether their mean is an image of its own that they were put about, and not only theirs.

        Raises:
            InputError: there are fewer than two.
        """
        drawn = np.asarray(samples, np.float64)
        count = len(drawn)
        check_several(count)
        factor = 1.0 if is_centre_known else np.sqrt(1 + 1 / count)
        return cls(drawn.mean(axis=0), factor * drawn.std(axis=0, ddof=1), count - 1)

    def interval(self, level: float, least: float = -np.inf) -> tuple[Numbers, Numbers]:
        """The ends of the central interval that holds a part of the probability.

        Args:
            level: that part, within (0, 1).
            least: no end is below it: zero, of magnitudes.

        Raises:
            InputError: the level is not within (0, 1).
        """
        half = self.half_width(level)
        return np.maximum(self.centre - half, least), np.maximum(self.centre + half, least)

    def half_width(self, level: float) -> Numbers:
        """Half of the interval's width.

        Raises:
            InputError: the level is not within (0, 1).
        """
        from scipy.stats import t

        if not 0 < level < 1:
            raise InputError(f"The level of an interval is within 0 and 1, such as 0.9, not {level}.")
        half: Numbers = self.scale * t.ppf((1 + level) / 2, self.degrees)
        return half

    @property
    def probability_above_zero(self) -> Numbers:
        """That the number is above zero; where samples don't differ at all, 0, 1, or a half for none but zero."""
        from scipy.stats import t

        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.where(self.centre == 0, 0.0, self.centre / self.scale)
        found: Any = t.cdf(score, self.degrees)
        return np.asarray(found, np.float64)


def check_several(count: int) -> None:
    """Raise ``InputError`` unless so many samples tell a spread."""
    if count < 2:
        raise InputError(f"{count} sample(s) tell no spread; draw two or more, by --samples 4.")
