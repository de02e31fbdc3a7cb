"""Chung, Kim, McCann, Klasky and Ye 2023 (DPS): the gradient of the residual's norm."""

from invdiff.diffusion.grids import DiscreteVP
from invdiff.diffusion.guidance import DPS
from invdiff.diffusion.parameters import StepCount, StepTowardsData
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VP
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.steps import Ancestral
from invdiff.methods.method import method


@method("chung2023")
def dps(steps: StepCount = 1000, zeta: StepTowardsData = 1.0, signal: Signal = TwoChannel()) -> Sampler:
    """Algorithm 1: DDPM, and after each of its steps one of length zeta down the gradient of the residual's norm,
    through the network.

    zeta is a length of the whole image, so the best one grows with the number of pixels.
    """
    return Sampler(VP(), DiscreteVP(steps), [Ancestral()], signal, guidance=DPS(zeta))
