"""What a learned prior has to beat: classical methods, each at the weight that suits the truth best."""

from invdiff.classical.baselines import (
    SPARSE_WEIGHTS,
    TIKHONOV_WEIGHTS,
    Best,
    best_by_truth,
    cg_sense,
    l1_wavelet,
    total_variation,
)
from invdiff.classical.every_slice import of_every_slice
from invdiff.reconstruction.cases import Cases, ScanCases


def rivals(cases: Cases) -> dict[str, Best]:
    """CG-SENSE, L1-wavelet and total variation, each at the weight that suits the truth best; none for pictures and
    without a truth, and CG-SENSE alone for several map sets.

    Args:
        cases: of a scan, on a grid or along a trajectory, or of a picture; all slices are looked at together, so few at
            a time suit memory.
    """
    truth = cases.ground_truth
    if not isinstance(cases, ScanCases) or truth is None:
        return {}
    found = {"CG-SENSE": best_by_truth(of_every_slice(cg_sense, cases), TIKHONOV_WEIGHTS, truth)}
    if not cases.has_map_sets:
        found["L1-wavelet"] = best_by_truth(of_every_slice(l1_wavelet, cases), SPARSE_WEIGHTS, truth)
        found["TV"] = best_by_truth(of_every_slice(total_variation, cases), SPARSE_WEIGHTS, truth)
    return found
