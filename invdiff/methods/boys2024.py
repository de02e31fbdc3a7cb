"""Boys, Girolami, Pidstrigach, Reich, Mosca and Akyildiz 2024 (TMPD): moment projection, its covariance a diagonal."""

from invdiff.diffusion.grids import DiscreteVP
from invdiff.diffusion.guidance import MomentMatching, RowSumCovariance
from invdiff.diffusion.parameters import FreshNoise, HeldBack, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VP
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.steps import DDIM
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("boys2024")
def tmpd(
    steps: StepCount = 100,
    eta: FreshNoise = 1.0,
    held_back: HeldBack = 0.05,
    tolerance: Tolerance = 1e-3,
    cg_steps: ConjugateGradientSteps = 100,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """DDIM under the score of the posterior, its likelihood that of an image whose covariance given the noisy one is
    the diagonal of the row sums of Tweedie's: two ways back through the network a call, whatever the linear system
    takes."""
    guidance = MomentMatching(Converged(tolerance, cg_steps), held_back, RowSumCovariance())
    return Sampler(VP(), DiscreteVP(steps), [DDIM(eta)], signal, guidance=guidance)
