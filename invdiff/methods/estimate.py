"""One image, the best in few network calls."""

from invdiff.diffusion.grids import DownToNoise
from invdiff.diffusion.guidance import Proximal, SplittingWeight
from invdiff.diffusion.parameters import Bend, HeldBack, SigmaMax, StepCount, TimesNoise
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal
from invdiff.diffusion.start import WienerStart
from invdiff.diffusion.steps import HalfQuadratic
from invdiff.diffusion.turns import TURNED
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("invdiff", "zhang2021", spread="calibrated")
def estimate(
    steps: StepCount = 30,
    sigma_max: SigmaMax = 0.75,
    times_noise: TimesNoise = 2.0,
    held_back: HeldBack = 0.1,
    tolerance: Tolerance = 5e-4,
    cg_steps: ConjugateGradientSteps = 100,
    rho: Bend = 7.0,
    signal: Signal = TURNED,
) -> Sampler:
    """One image, the best in few network calls: half-quadratic splitting with a falling level.

    No noise is drawn: the estimate of each level is combined with the data and shown to the network anew, turned at
    random. It is an estimate and no sample of the posterior; samples of `calibrated` beside it tell what is uncertain.
    """
    return Sampler(
        VE(),
        DownToNoise(steps, sigma_max, times_noise, rho=rho),
        [HalfQuadratic()],
        signal,
        guidance=Proximal(SplittingWeight(held_back), Converged(tolerance, cg_steps), "estimate"),
        start=WienerStart(held_back),
    )
