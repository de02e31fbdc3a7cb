"""Jalal, Arvinte, Daras, Price, Dimakis and Tamir 2021 (CSGM)."""

import math
from typing import Literal

from invdiff.diffusion.grids import Geometric
from invdiff.diffusion.guidance import AnnealedLikelihood, NormMatchedLikelihood
from invdiff.diffusion.parameters import (
    DataWeight,
    LangevinLength,
    LikelihoodWidth,
    Repetitions,
    SigmaMax,
    SigmaMin,
    StepCount,
)
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.start import FromUniform
from invdiff.diffusion.steps import AnnealedLangevin, NextLevel
from invdiff.methods.method import method


@method("jalal2021")
def jalal2021(
    steps: StepCount = 1155,
    rho: LikelihoodWidth = 0.7,
    epsilon: LangevinLength = 1.7e-5,
    inner_steps: Repetitions = 3,
    weight: Literal["paper", "released"] = "paper",
    mse: DataWeight = 5.0,
    sigma_min: SigmaMin = 0.0066,
    sigma_max: SigmaMax = 1.2325,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """Annealed Langevin dynamics of the posterior (eq. 4), from uniform noise: the levels below 1.23 of the 2,311 from
    232 to 0.0066, with steps epsilon sigma^2 / sigma_L^2.

    The likelihood's variance is (rho sigma)^2 + noise_std^2; ``weight="released"`` is the released code's instead, in
    which its score is mse times as long as the prior's. rho and epsilon are from a search; the released epsilon is
    5e-5. Steps are stable while epsilon / sigma_L^2 (1 + 1 / rho^2) is below 2.
    """
    likelihood = AnnealedLikelihood(rho) if weight == "paper" else NormMatchedLikelihood(mse)
    sde = VE(sigma_min, sigma_max)
    langevin = AnnealedLangevin(math.sqrt(epsilon / 2) / sigma_min, inner_steps)
    return Sampler(
        sde,
        Geometric(steps),
        [langevin, NextLevel()],
        signal,
        guidance=likelihood,
        start=FromUniform(),
    )
