"""What a learned prior has to beat: classical methods, each at the weight that suits the truth best."""

from functools import partial

from invdiff.classical.baselines import (
    SPARSE_WEIGHTS,
    TIKHONOV_WEIGHTS,
    Best,
    best_by_truth,
    cg_sense,
    l1_wavelet,
    total_variation,
)
from invdiff.data.scan import Scan
from invdiff.reconstruction.cases import Cases


def rivals(cases: Cases) -> dict[str, Best]:
    """CG-SENSE, L1-wavelet and total variation, each at the weight that suits the truth best; none for pictures and
    without a truth, and CG-SENSE alone for several map sets.

    Args:
        cases: of a scan or a picture; all slices are looked at together, so few at a time suit memory.
    """
    scan = cases.measured
    if not isinstance(scan, Scan) or scan.ground_truth is None:
        return {}
    truth = scan.ground_truth
    found = {"CG-SENSE": best_by_truth(partial(cg_sense, scan), TIKHONOV_WEIGHTS, truth)}
    if not cases.has_map_sets:
        found["L1-wavelet"] = best_by_truth(partial(l1_wavelet, scan), SPARSE_WEIGHTS, truth)
        found["TV"] = best_by_truth(partial(total_variation, scan), SPARSE_WEIGHTS, truth)
    return found
