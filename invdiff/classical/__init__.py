"""Classical reconstructions, to compare with."""

from invdiff.classical.baselines import Best, best_by_truth, cg_sense, l1_wavelet, total_variation
from invdiff.classical.every_slice import of_every_slice
from invdiff.classical.rivals import rivals

__all__ = [
    "Best",
    "best_by_truth",
    "cg_sense",
    "l1_wavelet",
    "of_every_slice",
    "rivals",
    "total_variation",
]
