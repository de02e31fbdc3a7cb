"""What a scan says of its own reconstruction, by samples that were held back: whether the spread of posterior samples
is true, which method suits it best, and which lines do not fit."""

from invdiff.reconstruction.audit.audit import FRACTION, Audit, audit
from invdiff.reconstruction.audit.correction import Correction
from invdiff.reconstruction.audit.discrepancy import Discrepancy
from invdiff.reconstruction.audit.held_back import HeldBack, Places, places_of, sampled_by
from invdiff.reconstruction.audit.held_cases import HeldCases
from invdiff.reconstruction.audit.judge import Judge
from invdiff.reconstruction.audit.prediction import Prediction
from invdiff.reconstruction.audit.ranking import Candidate, Ranking, Score, rank
from invdiff.reconstruction.audit.residual import Residual
from invdiff.reconstruction.audit.unfit import unfit_hidden, unfit_shown

__all__ = [
    "FRACTION",
    "Audit",
    "Candidate",
    "Correction",
    "Discrepancy",
    "HeldBack",
    "HeldCases",
    "Judge",
    "Places",
    "Prediction",
    "Ranking",
    "Residual",
    "Score",
    "audit",
    "places_of",
    "rank",
    "sampled_by",
    "unfit_hidden",
    "unfit_shown",
]
