"""Classical reconstructions, to compare with."""

from invdiff.classical.baselines import Best, best_by_truth, cg_sense, l1_wavelet, total_variation, zero_filled
from invdiff.classical.rivals import rivals

__all__ = [
    "Best",
    "best_by_truth",
    "cg_sense",
    "l1_wavelet",
    "rivals",
    "total_variation",
    "zero_filled",
]
