"""Methods beside each other: every one on every file, mask and acceleration, scored by every convention."""

from invdiff.evaluation.compare import Comparison, Unit
from invdiff.evaluation.contenders import CLASSICAL, Classical, Contender, Diffusion, Outcome
from invdiff.evaluation.figure import write_figure
from invdiff.evaluation.score_table import ScoreTable
from invdiff.evaluation.settings import share_settings
from invdiff.evaluation.subjects import Simulation, Subject, find_subjects
from invdiff.evaluation.summary import summary
from invdiff.evaluation.targets import TARGETS

__all__ = [
    "CLASSICAL",
    "TARGETS",
    "Classical",
    "Comparison",
    "Contender",
    "Diffusion",
    "Outcome",
    "ScoreTable",
    "Simulation",
    "Subject",
    "Unit",
    "find_subjects",
    "share_settings",
    "summary",
    "write_figure",
]
