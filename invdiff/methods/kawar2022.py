"""Kawar, Elad, Ermon and Song 2022 (DDRM): diffusion in the operator's own coordinates."""

from invdiff.diffusion.grids import DiscreteVP
from invdiff.diffusion.parameters import DataShare, FreshNoise, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VP
from invdiff.diffusion.signals import Signal, SplitComplex
from invdiff.diffusion.steps import DDRM
from invdiff.diffusion.views import Soss
from invdiff.methods.method import method


@method("kawar2022")
def ddrm(
    steps: StepCount = 20, eta: FreshNoise = 0.85, eta_b: DataShare = 1.0, signal: Signal = SplitComplex()
) -> Sampler:
    """Equations (7) and (8), of every coil's image by itself, so that singular values are known; root sum of squares at
    the end. For inpainting, denoising and one coil, ``replace(ddrm(), view=Sense())``."""
    return Sampler(VP(), DiscreteVP(steps), [DDRM(eta, eta_b)], signal, view=Soss())
