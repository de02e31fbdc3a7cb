"""Blumenthal, Holliber, Tamir and Uecker 2025 (pULA): Langevin dynamics preconditioned by the data."""

from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.grids import Geometric
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.start import FromLikelihood
from invdiff.diffusion.steps import NextLevel, PreconditionedLangevin
from invdiff.methods.method import method
from invdiff.operators.inner_solve import Converged


@method("blumenthal2025")
def pula(
    steps: int = 100,
    g: float = 0.5,
    inner_steps: int = 1,
    sigma_max: float = 7.0,
    sigma_min: float = 0.007,
    held_back: float = 0.001,
    tolerance: float = 1e-3,
    cg_steps: int = 100,
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
