"""Metrics and the conventions they follow, regions of interest, classical baselines, tables and pictures."""

from invdiff.evaluation.baselines import Best, best_by_truth, cg_sense, l1_wavelet, total_variation, zero_filled
from invdiff.evaluation.conventions import CONVENTIONS, Agreement, Convention, Scores, find_convention
from invdiff.evaluation.grid import write_grid
from invdiff.evaluation.metrics import nmse, psnr, ssim
from invdiff.evaluation.panel import write_panel
from invdiff.evaluation.regions import Annotation, read_annotations
from invdiff.evaluation.report import table

__all__ = [
    "CONVENTIONS",
    "Agreement",
    "Annotation",
    "Best",
    "Convention",
    "Scores",
    "best_by_truth",
    "cg_sense",
    "find_convention",
    "l1_wavelet",
    "nmse",
    "psnr",
    "read_annotations",
    "ssim",
    "table",
    "total_variation",
    "write_grid",
    "write_panel",
    "zero_filled",
]
