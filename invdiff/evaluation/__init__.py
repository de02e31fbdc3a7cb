"""Methods beside each other, every one on every file, mask and acceleration, scored by every convention; and what a
reconstruction shows of lesions."""

from invdiff.evaluation.compare import Comparison, Unit
from invdiff.evaluation.contenders import CLASSICAL, Classical, Contender, Diffusion, Outcome, find_baseline
from invdiff.evaluation.detection import Detection, Finding, detect
from invdiff.evaluation.detection_figure import Shown, write_detection
from invdiff.evaluation.figure import write_figure
from invdiff.evaluation.lesions import Lesion, lesions_all_over
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
    "Detection",
    "Diffusion",
    "Finding",
    "Lesion",
    "Outcome",
    "ScoreTable",
    "Shown",
    "Simulation",
    "Subject",
    "Unit",
    "detect",
    "find_baseline",
    "find_subjects",
    "lesions_all_over",
    "share_settings",
    "summary",
    "write_detection",
    "write_figure",
]
