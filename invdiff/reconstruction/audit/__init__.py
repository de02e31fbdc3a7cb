"""Whether the spread of posterior samples is true: asked of the scan itself, by samples that were held back."""

from invdiff.reconstruction.audit.audit import FRACTION, Audit, audit
from invdiff.reconstruction.audit.correction import Correction
from invdiff.reconstruction.audit.discrepancy import Discrepancy
from invdiff.reconstruction.audit.held_back import HeldBack, Places, places_of, sampled_by
from invdiff.reconstruction.audit.held_cases import HeldCases
from invdiff.reconstruction.audit.judge import Judge, of_held
from invdiff.reconstruction.audit.residual import Residual

__all__ = [
    "FRACTION",
    "Audit",
    "Correction",
    "Discrepancy",
    "HeldBack",
    "HeldCases",
    "Judge",
    "Places",
    "Residual",
    "audit",
    "of_held",
    "places_of",
    "sampled_by",
]
