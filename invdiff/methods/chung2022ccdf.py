"""Chung, Sim and Ye 2022 (CCDF): a late start."""

from dataclasses import replace
from typing import Literal

from invdiff.diffusion.parameters import ConsistencyLength, SigmaMax, SigmaMin, Snr, StartSigma, StartTime, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.start import LateStart
from invdiff.methods.chung2022 import chung2022_complex
from invdiff.methods.method import method


@method("chung2022ccdf", "chung2022")
def ccdf(
    steps: StepCount = 1000,
    start_time: StartTime = 0.42,
    start_sigma: StartSigma | None = None,
    image: Literal["zero-filled", "least-squares", "initial"] = "zero-filled",
    lam: ConsistencyLength = 1.0,
    snr: Snr = 0.16,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 378.0,
) -> Sampler:
    """`chung2022_complex` begun late, from an image noised to a time or a noise level: any method can be begun so.

    Of the grid's levels those from the start on are used. For this VE a time of 0.42 is sigma = 0.84; the paper's 0.02
    would be 0.012, next to no noise.
    """
    sampler = chung2022_complex(steps, lam, snr, sigma_min, sigma_max)
    time = start_time if start_sigma is None else None
    return replace(sampler, start=LateStart(start_sigma, time, image))
