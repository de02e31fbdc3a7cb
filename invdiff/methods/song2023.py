"""Song, Vahdat, Mardani and Kautz 2023 (PiGDM): the pseudo-inverse through the network."""

from invdiff.diffusion.grids import DiscreteVP
from invdiff.diffusion.guidance import PiGDM, PosteriorVariance
from invdiff.diffusion.parameters import DataStd, FreshNoise, HeldBack, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VP
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.steps import DDIM
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("song2023")
def pigdm(
    steps: StepCount = 100,
    eta: FreshNoise = 1.0,
    data_std: DataStd = 1.0,
    held_back: HeldBack = 0.05,
    tolerance: Tolerance = 1e-3,
    cg_steps: ConjugateGradientSteps = 100,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """DDIM under the score of the posterior (eq. 4), its likelihood that of eq. (7) and (8): the noise of DDIM is that
    of the guided estimate too.

    The paper's algorithm 1 adds the likelihood's score to DDIM's move with a weight of its own instead, which takes no
    notice of the data's noise; r is that of its sec. 3.3, for images of standard deviation
    ``data_std``, there one.
    """
    guidance = PiGDM(PosteriorVariance(data_std, 0.0, held_back), Converged(tolerance, cg_steps))
    return Sampler(VP(), DiscreteVP(steps), [DDIM(eta)], signal, guidance=guidance)
