"""Zhang, Chu, Berner, Meng, Anandkumar and Song 2025 (DAPS): decoupled noise annealing."""

from invdiff.diffusion.clean_draw import ReverseDraw
from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.grids import Karras
from invdiff.diffusion.parameters import Bend, DrawSteps, HeldBack, SigmaMax, SigmaMin, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.steps import DAPS
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("zhang2025")
def daps(
    steps: StepCount = 30,
    flow_steps: DrawSteps = 5,
    sigma_max: SigmaMax = 2.0,
    sigma_min: SigmaMin = 0.02,
    held_back: HeldBack = 0.05,
    tolerance: Tolerance = 1e-3,
    cg_steps: ConjugateGradientSteps = 100,
    rho: Bend = 7.0,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """Algorithm 1: at each level the probability flow to a clean image, a draw of the image about it given the data,
    and noise of the next level. The draw is exact, where the paper's is by Langevin dynamics."""
    covariance = DataCovariance(held_back, Converged(tolerance, cg_steps))
    return Sampler(
        VE(sigma_min, sigma_max),
        Karras(steps, sigma_max, sigma_min, rho),
        [DAPS(ReverseDraw(flow_steps, eta=0.0), covariance)],
        signal,
    )
