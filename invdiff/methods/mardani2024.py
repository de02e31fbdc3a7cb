"""Mardani, Song, Kautz and Vahdat 2024 (RED-diff): a variational perspective."""

from invdiff.diffusion.grids import DiscreteVP
from invdiff.diffusion.parameters import AdamRate, PriorWeight, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VP
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.start import FromPseudoInverse
from invdiff.diffusion.steps import REDDiff
from invdiff.methods.method import method


@method("mardani2024")
def red_diff(
    steps: StepCount = 200, rate: AdamRate = 0.1, weight: PriorWeight = 0.25, signal: Signal = TwoChannel()
) -> Sampler:
    """Algorithm 1: Adam on one image, from A⁺ y, whose regulariser is what the network takes of fresh noise for noise;
    the level falls from step to step."""
    return Sampler(VP(), DiscreteVP(steps), [REDDiff(rate, weight)], signal, start=FromPseudoInverse())
