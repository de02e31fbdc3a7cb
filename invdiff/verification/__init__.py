"""Are a method's samples those of the posterior? Exact problems, and a verdict by stated gates."""

from invdiff.verification.exact_priors import PRIORS
from invdiff.verification.exact_problem import FULL, OPERATORS, SHORT, ExactProblem, Posed
from invdiff.verification.figure import write_figure
from invdiff.verification.gates import GATES, Gate
from invdiff.verification.judge import Extent, Verdict, judge
from invdiff.verification.measures import Measures, measures
from invdiff.verification.mixture import Mixture
from invdiff.verification.parts_alike import PartsAlike
from invdiff.verification.standing import Standing, standings
from invdiff.verification.verdict_table import rich_table, write_table
from invdiff.verification.verify import Candidate, candidate_method, verify

__all__ = [
    "FULL",
    "GATES",
    "OPERATORS",
    "PRIORS",
    "SHORT",
    "Candidate",
    "ExactProblem",
    "Extent",
    "Gate",
    "Measures",
    "Mixture",
    "PartsAlike",
    "Posed",
    "Standing",
    "Verdict",
    "candidate_method",
    "judge",
    "measures",
    "rich_table",
    "standings",
    "verify",
    "write_figure",
    "write_table",
]
