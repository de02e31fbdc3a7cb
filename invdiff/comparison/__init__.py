"""Methods beside each other: every one on every file, mask and acceleration, scored by every convention."""

from invdiff.comparison.compare import Comparison
from invdiff.comparison.condition import Condition
from invdiff.comparison.contenders import CLASSICAL, Classical, Contender, Diffusion, Outcome
from invdiff.comparison.figure import write_figure
from invdiff.comparison.score_table import ScoreTable
from invdiff.comparison.settings import share_settings
from invdiff.comparison.subjects import Simulation, Subject, find_subjects
from invdiff.comparison.summary import summary
from invdiff.comparison.targets import TARGETS

__all__ = [
    "CLASSICAL",
    "TARGETS",
    "Classical",
    "Comparison",
    "Condition",
    "Contender",
    "Diffusion",
    "Outcome",
    "ScoreTable",
    "Simulation",
    "Subject",
    "find_subjects",
    "share_settings",
    "summary",
    "write_figure",
]
