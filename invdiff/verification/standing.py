"""What all problems together say of a method with one budget."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from invdiff.verification.gates import GATES
from invdiff.verification.judge import Verdict


@dataclass(frozen=True)
class Standing:
    """A method with one budget, over problems.

    Attributes:
        method: its name.
        budget: network calls that each sample might take.
        verdicts: of the problems.
    """

    method: str
    budget: int
    verdicts: tuple[Verdict, ...]

    @property
    def judged(self) -> tuple[Verdict, ...]:
        """Of the problems that it takes."""
        return tuple(verdict for verdict in self.verdicts if verdict.is_judged)

    @property
    def is_right(self) -> bool:
        """Whether it takes a problem, and keeps every gate on each that it takes."""
        return bool(self.judged) and all(verdict.is_right for verdict in self.judged)

    @property
    def crossed(self) -> tuple[str, ...]:
        """Gates that it crosses anywhere, in their order, and then what else went wrong."""
        found = dict.fromkeys(name for verdict in self.judged for name in verdict.crossed)
        titles = [gate.title for gate in GATES]
        return (*(title for title in titles if title in found), *(name for name in found if name not in titles))

    def over_problems(self, measure: str) -> tuple[float, float, float] | None:
        """The least, the median and the largest value of a field of `Measures`; None where there is none."""
        values = [getattr(verdict.measures, measure) for verdict in self.judged if verdict.measures is not None]
        known = np.array([value for value in values if not np.isnan(value)])
        return (float(known.min()), float(np.median(known)), float(known.max())) if known.size else None


def standings(verdicts: Sequence[Verdict]) -> list[Standing]:
    """A standing for each method and budget, in the order in which they come."""
    pairs = dict.fromkeys((verdict.method, verdict.budget) for verdict in verdicts)
    return [
        Standing(method, budget, tuple(each for each in verdicts if (each.method, each.budget) == (method, budget)))
        for method, budget in pairs
    ]
