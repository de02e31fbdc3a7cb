"""Chung, Lee and Ye 2024 (DDS): conjugate gradients within DDIM."""

from invdiff.diffusion.grids import DiscreteVP
from invdiff.diffusion.guidance import Proximal
from invdiff.diffusion.parameters import FreshNoise, LikelihoodWeight, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VP
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.steps import Renoise
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Truncated


@method("chung2024")
def dds(
    steps: StepCount = 50,
    eta: FreshNoise = 0.85,
    gamma: LikelihoodWeight = 180.0,
    cg_steps: ConjugateGradientSteps = 5,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """Algorithm 1 of DDS: DDIM whose estimate of the clean image takes a few conjugate-gradient steps towards the data.

    gamma is from a search; the paper's is 1, for images and noise of another scale. The public code adds no noise when
    it reaches the chain's first level, and then passes there once more.
    """
    return Sampler(
        VP(), DiscreteVP(steps), [Renoise(eta)], signal, guidance=Proximal(gamma, Truncated(cg_steps), "network")
    )
