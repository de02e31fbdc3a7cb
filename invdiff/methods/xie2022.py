"""Xie and Li 2022 (MC-DDPM): diffusion in the unsampled k-space."""

from invdiff.diffusion.grids import DiscreteCosine
from invdiff.diffusion.parameters import StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import Cosine
from invdiff.diffusion.signals import TwoChannel
from invdiff.diffusion.steps import Ancestral, Predictor
from invdiff.diffusion.views import UnsampledKspace
from invdiff.methods.method import method


@method("xie2022", prior="mc_ddpm")
def mc_ddpm(steps: StepCount = 1000, predictor: Predictor = Ancestral("forward")) -> Sampler:
    """Algorithm 2: DDPM of the unsampled k-space, by a network that knows the sampled; `DDIM` is the other predictor.

    Fewer steps use every so-many-th level of the chain of 1,000.
    """
    return Sampler(Cosine(0.5), DiscreteCosine(steps), [predictor], TwoChannel(), view=UnsampledKspace())
