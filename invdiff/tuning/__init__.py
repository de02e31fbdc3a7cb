"""Bayesian search over a method's parameters: what is searched, what is scored, and the search itself."""

from invdiff.tuning.objectives import METRICS, AgainstTruth, HeldBackError, Objective, find_objective, suiting
from invdiff.tuning.picture import write_surface
from invdiff.tuning.space import NOISE_TIMES, Parameters, Range, Space, parse_range, usual_range
from invdiff.tuning.study import Study, Trial
from invdiff.tuning.validation import Validation

__all__ = [
    "METRICS",
    "NOISE_TIMES",
    "AgainstTruth",
    "HeldBackError",
    "Objective",
    "Parameters",
    "Range",
    "Space",
    "Study",
    "Trial",
    "Validation",
    "find_objective",
    "parse_range",
    "suiting",
    "usual_range",
    "write_surface",
]
