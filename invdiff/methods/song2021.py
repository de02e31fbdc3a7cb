"""Song, Shen, Xing and Ermon 2021: a conditional and what it was compared with."""

from typing import Literal

from invdiff.diffusion.grids import Geometric
from invdiff.diffusion.guidance import AnnealedLikelihood, NoisedLikelihood
from invdiff.diffusion.parameters import (
    ConsistencyLength,
    LikelihoodWidth,
    Repetitions,
    SigmaMax,
    SigmaMin,
    Snr,
    StepCount,
)
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import RealImage, Signal
from invdiff.diffusion.steps import (
    AnnealedLangevin,
    GradientConsistency,
    Langevin,
    NextLevel,
    ProjectionConsistency,
    ReverseDiffusion,
    Tweedie,
)
from invdiff.methods.method import method


@method("song2021")
def song2021(
    steps: StepCount = 1000,
    lam: ConsistencyLength = 1.0,
    snr: Snr = 0.517,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 128.0,
    merge: Literal["gradient", "projection"] = "gradient",
    signal: Signal = RealImage(),
) -> Sampler:
    """Algorithm 2, with one Langevin step a level: before each update, a step of length lam towards the data noised
    alike, eq. (6).

    The step is lam Aᴴ(y_t - A x) for ``merge="gradient"``: eq. (7) for P(Λ) F on complex images, and the public code's
    merge on real ones, where ``"projection"``, lam A⁺(y_t - A x), is the step of eq. (6). For an operator that is
    injective, as SENSE often is, the projection with lam = 1 is least squares whatever the prior says; the gradient
    step keeps what the prior said, the last one too.
    """
    consistency = {"gradient": GradientConsistency, "projection": ProjectionConsistency}[merge]
    noised = consistency(lam, noised=True)
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [noised, Langevin(snr), noised, ReverseDiffusion(last_noise=True)],
        signal,
        finish=[Tweedie(), consistency(1.0, noised=False)],
    )


@method("song2021")
def song2021_langevin_projection(
    steps: StepCount = 700,
    lam: ConsistencyLength = 1.0,
    snr: Snr = 0.386,
    inner_steps: Repetitions = 3,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 128.0,
    signal: Signal = RealImage(),
) -> Sampler:
    """The comparison "ALD + ours": annealed Langevin dynamics alone, with the noised data step before each level."""
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [GradientConsistency(lam, noised=True), AnnealedLangevin(snr, inner_steps), NextLevel()],
        signal,
        finish=[Tweedie(), GradientConsistency(lam)],
    )


@method("song2021", "jalal2021")
def song2021_langevin(
    steps: StepCount = 700,
    rho: LikelihoodWidth = 0.713,
    snr: Snr = 0.212,
    inner_steps: Repetitions = 3,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 128.0,
    signal: Signal = RealImage(),
) -> Sampler:
    """The comparison "Langevin", after Jalal 2021: annealed Langevin dynamics with a likelihood of width rho sigma."""
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [AnnealedLangevin(snr, inner_steps), NextLevel()],
        signal,
        guidance=AnnealedLikelihood(rho, noise_std=0.0),
        finish=[Tweedie(guided=False)],
    )


@method("song2021", "song2020")
def song2021_baseline(
    steps: StepCount = 1000,
    rho: LikelihoodWidth = 1.231,
    snr: Snr = 0.608,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 128.0,
    signal: Signal = RealImage(),
) -> Sampler:
    """The comparison "Score SDE": `score_sde` with Song 2021's settings, its last denoising by the prior alone."""
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [Langevin(snr), ReverseDiffusion(last_noise=True)],
        signal,
        guidance=NoisedLikelihood(rho),
        finish=[Tweedie(guided=False)],
    )
