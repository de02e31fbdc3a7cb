"""Samples of the posterior, one network call a move."""

from invdiff.diffusion.clean_draw import SpectralDraw
from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.grids import Karras
from invdiff.diffusion.parameters import Bend, HeldBack, Relaxation, SigmaMax, SigmaMin, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal, SplitComplex
from invdiff.diffusion.start import FromLikelihood
from invdiff.diffusion.steps import SplitGibbs
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("invdiff", "vono2019", "wu2024")
def split_gibbs(
    steps: StepCount = 100,
    g: Relaxation = 1.0,
    sigma_max: SigmaMax = 0.75,
    sigma_min: SigmaMin = 0.01,
    held_back: HeldBack = 0.05,
    tolerance: Tolerance = 2e-4,
    cg_steps: ConjugateGradientSteps = 200,
    rho: Bend = 7.0,
    signal: Signal = SplitComplex(),
) -> Sampler:
    """Split Gibbs sampling at a falling level, the clean image drawn by the prior's power spectrum about the network's
    answer: exact for a Gaussian prior of that spectrum, at every g, as levels become many."""
    covariance = DataCovariance(held_back, Converged(tolerance, cg_steps))
    return Sampler(
        VE(),
        Karras(steps, sigma_max, sigma_min, rho),
        [SplitGibbs(SpectralDraw(), g, covariance)],
        signal,
        start=FromLikelihood(covariance),
    )
