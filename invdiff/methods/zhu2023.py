"""Zhu, Zhang, Liang, Cao, Wen, Timofte and Van Gool 2023 (DiffPIR): plug and play within DDIM."""

import math

from invdiff.diffusion.grids import DiscreteVP
from invdiff.diffusion.guidance import DiffPIRWeight, Proximal
from invdiff.diffusion.parameters import FreshNoise, ImageWeight, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VP
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.steps import Renoise
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("zhu2023")
def diffpir(
    steps: StepCount = 100,
    prior_weight: ImageWeight = 7.0,
    zeta: FreshNoise = 0.3,
    tolerance: Tolerance = 1e-3,
    cg_steps: ConjugateGradientSteps = 100,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """Algorithm 1: the estimate of the clean image between data and prior, by the noise level and that of the state
    (eq. 13), its noise what it leaves of the state, a share zeta of it renewed (eq. 14).

    ``prior_weight`` is the paper's lambda. The public code leaves out the data step of the last level, and returns a
    state that is still noisy.
    """
    guidance = Proximal(DiffPIRWeight(prior_weight), Converged(tolerance, cg_steps), "estimate")
    return Sampler(VP(), DiscreteVP(steps), [Renoise(math.sqrt(zeta))], signal, guidance=guidance)
