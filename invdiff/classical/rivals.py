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
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan


def rivals(measured: Scan | Picture) -> dict[str, Best]:
    """CG-SENSE, L1-wavelet and total variation, each at the weight that suits the truth best; none for pictures and
    without a truth, and CG-SENSE alone for several map sets.

    Args:
        measured: a scan with maps, or a picture.
    """
    if not isinstance(measured, Scan) or measured.ground_truth is None:
        return {}
    scan, truth = measured, measured.ground_truth
    found = {"CG-SENSE": best_by_truth(lambda weight: cg_sense(scan, weight), TIKHONOV_WEIGHTS, truth)}
    if scan.maps is not None and scan.maps.ndim == 4:
        found["L1-wavelet"] = best_by_truth(lambda weight: l1_wavelet(scan, weight), SPARSE_WEIGHTS, truth)
        found["TV"] = best_by_truth(lambda weight: total_variation(scan, weight), SPARSE_WEIGHTS, truth)
    return found
