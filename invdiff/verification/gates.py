"""What samples must keep to be called samples of the posterior."""

import math
from dataclasses import dataclass

from invdiff.verification.measures import Measures


@dataclass(frozen=True)
class Gate:
    """Values of a measure that are right.

    Args:
        measure: a field of `Measures`.
        title: what tables call it.
        low: the least that is right.
        high: the most that is right.
    """

    measure: str
    title: str
    low: float
    high: float

    def is_crossed(self, found: Measures, errors: Measures) -> bool:
        """Whether the measure is beyond the gate, and by more than chance: two standard errors. What there is none of,
        as where all was measured, crosses nothing."""
        value, margin = getattr(found, self.measure), _ERRORS * getattr(errors, self.measure)
        return not math.isnan(value) and not self.low - margin <= value <= self.high + margin


_ERRORS = 2.0

GATES = (
    Gate("bias", "bias", 0, 0.1),
    Gate("measured", "spread measured", 0.95, 1.05),
    Gate("unmeasured", "spread unmeasured", 0.95, 1.05),
    Gate("coverage_50", "50 %", 0.48, 0.52),
    Gate("coverage_90", "90 %", 0.88, 0.92),
    Gate("distance", "distance", -math.inf, 0.1),
)
"""The gates; all must be kept, on every problem.

They are ours. Each is about what its neighbours let pass: for a Gaussian, a bias of 0.1 standard deviations alone is a
distance of 0.1 and takes 0.4 points off the 90 % interval; a spread of 0.95 alone takes 1.7 points off it, and 2.1 off
the 50 % interval. Coverage is no gate by itself: a posterior of sharp modes, sampled with the wrong weights, keeps it.
"""


def crossed(found: Measures, errors: Measures) -> tuple[str, ...]:
    """Titles of the gates that are crossed; none where the samples are right."""
    return tuple(gate.title for gate in GATES if gate.is_crossed(found, errors))
