"""Metrics, classical baselines, tables and pictures."""

from invdiff.evaluation.baselines import Best, best_by_truth, cg_sense, l1_wavelet, total_variation, zero_filled
from invdiff.evaluation.metrics import nmse, psnr, ssim
from invdiff.evaluation.panel import write_panel
from invdiff.evaluation.report import table

__all__ = [
    "Best",
    "best_by_truth",
    "cg_sense",
    "l1_wavelet",
    "nmse",
    "psnr",
    "ssim",
    "table",
    "total_variation",
    "write_panel",
    "zero_filled",
]
