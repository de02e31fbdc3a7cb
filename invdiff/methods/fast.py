"""Few steps, strongly guided."""

from invdiff.diffusion.grids import Karras
from invdiff.diffusion.guidance import PosteriorVariance, Proximal
from invdiff.diffusion.parameters import Bend, DataStd, FreshNoise, HeldBack, NoiseFloor, SigmaMax, SigmaMin, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal, SplitComplex
from invdiff.diffusion.steps import Renoise
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("invdiff")
def fast(
    steps: StepCount = 30,
    eta: FreshNoise = 1.0,
    sigma_max: SigmaMax = 0.35,
    sigma_min: SigmaMin = 0.015,
    data_std: DataStd = 0.2,
    noise_floor: NoiseFloor = 0.0,
    held_back: HeldBack = 0.05,
    tolerance: Tolerance = 2e-4,
    cg_steps: ConjugateGradientSteps = 200,
    rho: Bend = 7.0,
    signal: Signal = SplitComplex(),
) -> Sampler:
    """Few steps, strongly guided: the estimate is combined with the data by their variances, then noised afresh.

    The built-in prior does better on measured scans with `SplitComplex`, by about 1 dB, and on simulated ones with
    `TwoChannel`, which takes half the time. Where whole regions of k-space are open, a noisier beginning in more steps
    gains more (``sigma_max=0.75, steps=50``: 1.2 dB for random lines at 8x, next to nothing for Poisson discs). Below
    the data's noise level a lower ``sigma_min`` gains nothing.
    """
    return Sampler(
        VE(sigma_min, sigma_max),
        Karras(steps, sigma_max, sigma_min, rho),
        [Renoise(eta)],
        signal,
        guidance=Proximal(
            PosteriorVariance(data_std, noise_floor, held_back), Converged(tolerance, cg_steps), "estimate"
        ),
    )
