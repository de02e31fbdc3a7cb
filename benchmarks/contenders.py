"""Who reconstructs the scans of the benchmarks, and how well."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from dpir import DPIR
from numpy.typing import NDArray

from invdiff.data import MASKS, simulate
from invdiff.evaluation import CLASSICAL, Contender, Diffusion
from invdiff.evaluation.contenders import Outcome
from invdiff.methods import find_method
from invdiff.metrics import psnr, ssim
from invdiff.priors import Prior
from invdiff.reconstruction import Cases, scan_cases

RIVALS = {
    "zero-filled": CLASSICAL["zero-filled"],
    "CG-SENSE": CLASSICAL["cg-sense"],
    "L1-wavelet": CLASSICAL["l1-wavelet"],
    "TV": CLASSICAL["tv"],
}
"""No learned prior; each at its best weight by the truth."""
QUANTITIES = ("PSNR", "SSIM", "seconds", "calls")

Sampling = tuple[str, float, float]
"""A kind of mask, its acceleration, and the fraction of the centre."""


def fast(prior: Prior, samples: int) -> Diffusion:
    """The mean of samples of `fast`."""
    return Diffusion(find_method("fast"), {}, prior, "builtin", samples)


def estimate(prior: Prior, calls: int) -> Diffusion:
    """The image of `estimate`."""
    return Diffusion(find_method("estimate"), {"steps": str(calls)}, prior, "builtin", samples=1)


def contenders(prior: Prior) -> dict[str, Contender]:
    """All, by the names that tables call them: some with their network calls."""
    return {
        **RIVALS,
        **{f"DPIR {calls}": DPIR(prior, calls) for calls in (8, 30)},
        "fast": fast(prior, samples=8),
        **{f"estimate {calls}": estimate(prior, calls) for calls in (15, 30, 60)},
    }


@cache
def make_mask(shape: tuple[int, int], sampling: Sampling, seed: int) -> NDArray[np.bool_]:
    """Made once for all contenders: a Poisson disc takes seconds."""
    kind, acceleration, centre = sampling
    return MASKS[kind](shape, acceleration, centre, seed)


def simulated_cases(image: NDArray[np.float32], sampling: Sampling, seed: int) -> Cases:
    """The image as 8 birdcage coils would see it, with smooth phase and noise of standard deviation 0.005; maps and
    noise level given."""
    mask = make_mask(image.shape, sampling, seed)
    return scan_cases(simulate(image, coils=8, mask=mask, noise_std=0.005, seed=seed), "sense")


def outcome_of(contender: Contender, cases: Cases) -> Outcome:
    """What it makes of a scan.

    Raises:
        InputError: the contender can't reconstruct the scan.
    """
    contender.check(cases)
    with TemporaryDirectory() as folder:
        return contender(cases, 0, Path(folder), lambda done, total: None)


def score(contender: Contender, cases: Cases) -> dict[str, float]:
    """How well it reconstructs a scan, and at what cost; see `judge`."""
    return judge(contender, cases, outcome_of(contender, cases))


def judge(contender: Contender, cases: Cases, outcome: Outcome) -> dict[str, float]:
    """PSNR and SSIM by fastMRI's conventions, seconds, and network calls of all samples of a slice.

    The seconds of what has its best weight by the truth are those of one weight.
    """
    truth = cases.ground_truth
    assert truth is not None
    samples = contender.samples if isinstance(contender, Diffusion) else 1
    numbers = (
        psnr(truth, outcome.image),
        ssim(truth, outcome.image),
        outcome.seconds,
        outcome.nfe * samples,
    )
    return dict(zip(QUANTITIES, numbers, strict=True))
