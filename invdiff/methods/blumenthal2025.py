"""Blumenthal, Holliber, Tamir and Uecker 2025 (pULA): Langevin dynamics preconditioned by the data."""

from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.grids import Geometric
from invdiff.diffusion.parameters import HeldBack, Relaxation, Repetitions, SigmaMax, SigmaMin, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.start import FromLikelihood
from invdiff.diffusion.steps import NextLevel, PreconditionedLangevin
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("blumenthal2025")
def pula(
    steps: StepCount = 100,
    g: Relaxation = 0.5,
    inner_steps: Repetitions = 1,
    sigma_max: SigmaMax = 7.0,
    sigma_min: SigmaMin = 0.007,
    held_back: HeldBack = 0.001,
    tolerance: Tolerance = 1e-3,
    cg_steps: ConjugateGradientSteps = 100,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """The preconditioned unadjusted Langevin algorithm as BART's ``sample`` has it: the exact likelihood with the
    diffused prior at levels in geometric progression, begun with a draw of the data's likelihood. The last state is
    returned, with the noise of its level.

    BART's levels, 10 to 0.01, are of complex numbers; these are of each real number. It ends conjugate gradients
    after 10 iterations, and begins with a step at the second level.
    """
    covariance = DataCovariance(held_back, Converged(tolerance, cg_steps))
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [PreconditionedLangevin(g, inner_steps, covariance), NextLevel()],
        signal,
        start=FromLikelihood(covariance),
    )
