"""By how much intervals had to be widened on validation images, by sampling."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import achieved_acceleration
from invdiff.errors import InputError

LEVELS = (0.5, 0.8, 0.9)
"""Of the intervals that were tried."""
TABLE = "conformal.json"

_NEAR = 0.1  # relative difference of accelerations that are alike

Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Coverage:
    """What intervals of a level held on validation images.

    Attributes:
        level: the part of pixels that intervals should hold.
        held: the part that they did.
        factor: times as wide, they hold the level on these images.
        conformal_factor: times as wide, they hold it in the mean over images that are exchangeable with these.
    """

    level: float
    held: float
    factor: float
    conformal_factor: float

    @classmethod
    def of(cls, scores: Sequence[Scores], level: float) -> Self:
        """What was held, by the errors of magnitudes in parts of the intervals' half widths.

        The last factor is conformal risk control (Angelopoulos et al., arXiv 2208.02814, theorem 1) of an image's part
        of pixels outside: the smallest at which the mean part over n images is at most a - (1 - a) / n, where a is
        one less the level. Then an image that is exchangeable with the n is expected to have a part of a outside at
        most, whatever the distribution. It is the image that is exchangeable, and not the pixel, so n counts images.

        Args:
            scores: of every image, ``(pixels,)``, from zero.
            level: of the intervals.

        Raises:
            InputError: there are too few images for this level: fewer than level / (1 - level).
        """
        outside, count = 1 - level, len(scores)
        allowed = outside - level / count if count else -1.0
        if allowed < -1e-12:
            raise InputError(
                f"{count} image(s) are too few for a level of {level}; take {level / outside:.0f} or more."
            )
        pooled = np.concatenate(scores).astype(np.float64)
        weight = np.concatenate([np.full(len(one), 1 / (len(one) * count)) for one in scores])
        return cls(
            level,
            float(weight[pooled <= 1].sum()),
            _smallest(pooled, weight, outside),
            _smallest(pooled, weight, max(allowed, 0.0)),
        )


def _smallest(scores: Scores, weight: Scores, outside: float) -> float:
    """The smallest score such that the weights of larger ones are of a sum of at most so much."""
    order = np.argsort(scores)
    above = 1 - np.cumsum(weight[order])
    return float(scores[order][np.argmax(above <= outside + 1e-9)])


@dataclass(frozen=True)
class Conformal:
    """What validation images tell of intervals, of one sampling and one way of reconstruction.

    Attributes:
        made: how they were reconstructed, as `how_made` tells of a result.
        acceleration: as achieved.
        images: what they were, in words, with their number.
        coverages: by level, ascending.
    """

    made: Mapping[str, Any]
    acceleration: float
    images: str
    coverages: tuple[Coverage, ...]

    @property
    def sentence(self) -> str:
        """What it tells, with what is assumed."""
        found = self.coverages[-1]
        return (
            f"of {self.images}, sampled as this scan, {found.level:.0%} intervals held {found.held:.0%} of the pixels; "
            f"{found.factor:.2f} times as wide they hold {found.level:.0%}, and {found.conformal_factor:.2f} times as "
            "wide they do so in the mean over images that are exchangeable with these (split conformal), which a scan "
            "of another kind is not"
        )

    @property
    def row(self) -> dict[str, Any]:
        """As it is kept."""
        coverages = [{name: round(float(number), 4) for name, number in vars(one).items()} for one in self.coverages]
        return {**vars(self), "made": dict(self.made), "coverages": coverages}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """What was kept."""
        return cls(**{**row, "coverages": tuple(Coverage(**one) for one in row["coverages"])})


@cache
def conformal_table() -> tuple[Conformal, ...]:
    """What ships, as `benchmarks/conformal.py` made it."""
    text = files("invdiff.reconstruction.uncertainty").joinpath(TABLE).read_text(encoding="utf-8")
    return tuple(Conformal.of_row(row) for row in json.loads(text))


def conformal_for(attributes: Mapping[str, Any], samples: int) -> Conformal | None:
    """What ships for results made as this one: of the same prior, methods, settings and number of samples, audited or
    not as this one, sampled by lines or points at an acceleration within 10 %; None where nothing was tried so.

    Args:
        attributes: of the result.
        samples: how many it has of each slice.
    """
    made = how_made(attributes, samples)
    acceleration = attributes.get("acceleration")
    if not isinstance(acceleration, int | float):
        return None
    return next(
        (one for one in conformal_table() if one.made == made and abs(acceleration / one.acceleration - 1) <= _NEAR),
        None,
    )


def how_made(attributes: Mapping[str, Any], samples: int) -> dict[str, Any]:
    """Of a result's attributes, those that say how it was sampled, by what method and with which prior."""
    methods = ("method", "parameters", "samples_method", "samples_parameters")
    names = ("operator", "sampling", "prior", "prior_weights", *methods)
    return {
        **{name: attributes.get(name) for name in names},
        "samples": samples,
        "is_audited": "audit_factor" in attributes,
    }


def sampling_of(sampled: NDArray[np.bool_]) -> str:
    """``"all"``, ``"lines"`` along axis -2, or ``"points"``.

    Args:
        sampled: bool ``(H, W)``.
    """
    if achieved_acceleration(sampled) == 1:
        return "all"
    return "lines" if (sampled == sampled[0]).all() else "points"
