"""Rozet, Andry, Lanusse and Louppe 2024 (MMPS): moment matching."""

from invdiff.diffusion.grids import Karras
from invdiff.diffusion.guidance import MomentMatching
from invdiff.diffusion.parameters import Bend, FreshNoise, HeldBack, SigmaMax, SigmaMin, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.steps import DDIM
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Truncated


@method("rozet2024", "boys2024")
def mmps(
    steps: StepCount = 50,
    eta: FreshNoise = 1.0,
    cg_steps: ConjugateGradientSteps = 3,
    held_back: HeldBack = 0.0,
    sigma_max: SigmaMax = 2.0,
    sigma_min: SigmaMin = 0.01,
    rho: Bend = 7.0,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """Moment matching posterior sampling (algorithm 1 and 2): DDIM of an estimate that is exact where the prior is
    Gaussian, by a few iterations of conjugate gradients, each one way back through the network."""
    return Sampler(
        VE(sigma_min, sigma_max),
        Karras(steps, sigma_max, sigma_min, rho),
        [DDIM(eta)],
        signal,
        guidance=MomentMatching(Truncated(cg_steps), held_back),
    )
