"""Song, Sohl-Dickstein, Kingma, Kumar, Ermon and Poole 2020 (score SDE), for a measurement."""

from typing import Literal

from invdiff.diffusion.grids import Uniform
from invdiff.diffusion.guidance import NoisedLikelihood
from invdiff.diffusion.parameters import LikelihoodWidth, StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import SDE, VE
from invdiff.diffusion.signals import Signal, SplitComplex
from invdiff.diffusion.start import FromNoise
from invdiff.diffusion.steps import GradientConsistency, Langevin, LangevinStep, Predictor, ReverseDiffusion
from invdiff.methods.method import method


@method("song2020")
def score_sde(
    steps: StepCount = 1000,
    rho: LikelihoodWidth = 0.84,
    sde: SDE = VE(),
    predictor: Predictor = ReverseDiffusion(),
    corrector: LangevinStep = Langevin(0.16),
    conditioning: Literal["likelihood", "replacement"] = "likelihood",
    signal: Signal = SplitComplex(),
) -> Sampler:
    """Predictor-corrector sampling (algorithm 1) given a measurement (app. I.4): a likelihood score of the data noised
    as the state; or, after every update, their replacement in it (app. I.2).

    The replacement is x + Aᴴ(y_t - A x) at the level that the state has reached, for inpainting and P(Λ) F on complex
    images exactly that of the paper. Its public code takes the level before the update, and begins with y itself where
    this begins with alpha_0 y (the same for VE).
    """
    if conditioning == "likelihood":
        return Sampler(sde, Uniform(steps), [corrector, predictor], signal, guidance=NoisedLikelihood(rho))
    replacement, start = GradientConsistency(1.0, noised=True), FromNoise(then=(GradientConsistency(1.0),))
    return Sampler(sde, Uniform(steps), [corrector, replacement, predictor, replacement], signal, start=start)
