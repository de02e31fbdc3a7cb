"""Who reconstructs the simulated scans of the benchmarks, and how well."""

from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from invdiff.data import MASKS, simulate
from invdiff.diffusion import fast
from invdiff.evaluation import best_by_truth, l1_wavelet, psnr, total_variation
from invdiff.evaluation.baselines import SPARSE_WEIGHTS
from invdiff.priors import Prior
from invdiff.reconstruction import reconstruct, scan_cases

ZERO_FILLED, OURS = "zero-filled", "fast"
RIVALS = {"L1-wavelet": l1_wavelet, "total variation": total_variation}


Sampling = tuple[str, float, float]
"""A kind of mask, its acceleration, and the fraction of the centre."""


@cache
def make_mask(shape: tuple[int, int], sampling: Sampling, seed: int) -> NDArray[np.bool_]:
    """Made once for all contenders: a Poisson disc takes seconds."""
    kind, acceleration, centre = sampling
    return MASKS[kind](shape, acceleration, centre, seed)


def score(
    contender: str, prior: Prior, image: NDArray[np.float32], sampling: Sampling, seed: int, samples: int
) -> float:
    """PSNR by fastMRI's convention: of the mean of the default method's samples, of a rival at the weight that suits
    the truth best, or of zero-filled. 8 birdcage coils, smooth phase, noise of standard deviation 0.005; maps given.
    """
    mask = make_mask(image.shape, sampling, seed)
    scan = simulate(image, coils=8, mask=mask, noise_std=0.005, seed=seed)
    cases = scan_cases(scan, "sense")
    truth = cases.ground_truth
    assert truth is not None
    if contender == ZERO_FILLED:
        return psnr(truth, cases.zero_filled)
    if contender == OURS:
        return psnr(truth, reconstruct(cases, fast(), prior, samples=samples, seed=0).mean)
    return best_by_truth(partial(RIVALS[contender], scan), SPARSE_WEIGHTS, truth).psnr
