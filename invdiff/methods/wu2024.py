"""Wu, Sun, Chen, Zhang, Yue and Bouman 2024 (PnP-DM): split Gibbs sampling with a diffusion model."""

from invdiff.diffusion.clean_draw import ReverseDraw
from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.grids import Geometric
from invdiff.diffusion.parameters import DrawSteps, HeldBack, SigmaMax, SigmaMin, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import Signal, SplitComplex
from invdiff.diffusion.start import FromLikelihood
from invdiff.diffusion.steps import SplitGibbs
from invdiff.methods.method import method
from invdiff.operators.inner_solve import ConjugateGradientSteps, Converged, Tolerance


@method("wu2024", "vono2019")
def pnp_dm(
    steps: StepCount = 20,
    draw_steps: DrawSteps = 5,
    sigma_max: SigmaMax = 0.75,
    sigma_min: SigmaMin = 0.02,
    held_back: HeldBack = 0.05,
    tolerance: Tolerance = 2e-4,
    cg_steps: ConjugateGradientSteps = 200,
    signal: Signal = SplitComplex(),
) -> Sampler:
    """Algorithm 1: a draw of the image between the data and a noisy image, exact for a linear operator (sec. 3.1), and
    a draw of the prior's image from there by the reverse SDE (sec. 3.2), by turns, their distance falling in geometric
    progression (sec. 3.3). The first likelihood step is about an image of zeros."""
    covariance = DataCovariance(held_back, Converged(tolerance, cg_steps))
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [SplitGibbs(ReverseDraw(draw_steps), 1.0, covariance)],
        signal,
        start=FromLikelihood(covariance),
    )
