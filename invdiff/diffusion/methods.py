"""Published solvers, and ours: each a few parts put together."""

import math
from dataclasses import replace
from typing import Literal

from invdiff.diffusion.bounds import check_positive
from invdiff.diffusion.grids import DiscreteCosine, DiscreteVP, DownToNoise, Geometric, Karras, Uniform
from invdiff.diffusion.guidance import (
    AnnealedLikelihood,
    NoisedLikelihood,
    NormMatchedLikelihood,
    PosteriorVariance,
    Proximal,
    SplittingWeight,
)
from invdiff.diffusion.inner_solve import Converged, Truncated
from invdiff.diffusion.registry import method
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import SDE, VE, VP, Cosine
from invdiff.diffusion.signals import MagnitudePhase, RealImage, Signal, SplitComplex, TwoChannel
from invdiff.diffusion.start import FromNoise, FromUniform, LateStart, WienerStart
from invdiff.diffusion.steps import (
    Ancestral,
    AnnealedLangevin,
    Every,
    GradientConsistency,
    HalfQuadratic,
    Lagging,
    Langevin,
    LangevinStep,
    NextLevel,
    Predictor,
    ProjectionConsistency,
    Renoise,
    ReverseDiffusion,
    SenseStep,
    Tweedie,
)
from invdiff.diffusion.turns import TURNED
from invdiff.diffusion.views import Soss, UnsampledKspace


@method("song2021")
def song2021(
    steps: int = 1000,
    lam: float = 1.0,
    snr: float = 0.517,
    sigma_min: float = 0.01,
    sigma_max: float = 128.0,
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
    steps: int = 700,
    lam: float = 1.0,
    snr: float = 0.386,
    inner_steps: int = 3,
    sigma_min: float = 0.01,
    sigma_max: float = 128.0,
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
    steps: int = 700,
    rho: float = 0.713,
    snr: float = 0.212,
    inner_steps: int = 3,
    sigma_min: float = 0.01,
    sigma_max: float = 128.0,
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
    steps: int = 1000,
    rho: float = 1.231,
    snr: float = 0.608,
    sigma_min: float = 0.01,
    sigma_max: float = 128.0,
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


@method("song2020")
def score_sde(
    steps: int = 1000,
    rho: float = 0.84,
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


def _chung2022(steps: int, lam: float, snr: float, sigma_min: float, sigma_max: float, signal: Signal) -> Sampler:
    consistency = GradientConsistency(lam)
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [Langevin(snr), consistency, ReverseDiffusion(), consistency],
        signal,
        start=FromNoise(then=(consistency,)),
    )


@method("chung2022")
def chung2022_real(
    steps: int = 2000, lam: float = 1.0, snr: float = 0.16, sigma_min: float = 0.01, sigma_max: float = 378.0
) -> Sampler:
    """Algorithm 2: corrector and predictor of a real image, each followed by x + lam Aᴴ(y - A x)."""
    return _chung2022(steps, lam, snr, sigma_min, sigma_max, RealImage())


@method("chung2022")
def chung2022_complex(
    steps: int = 2000, lam: float = 1.0, snr: float = 0.16, sigma_min: float = 0.01, sigma_max: float = 378.0
) -> Sampler:
    """Algorithm 3: as `chung2022_real`, real and imaginary part through the same network of real images."""
    return _chung2022(steps, lam, snr, sigma_min, sigma_max, SplitComplex())


@method("chung2022")
def chung2022_magnitude_phase(
    steps: int = 2000, lam: float = 1.0, snr: float = 0.16, sigma_min: float = 0.01, sigma_max: float = 378.0
) -> Sampler:
    """As `chung2022_complex`, magnitude and phase through the network: the paper names it without equations, so it is a
    heuristic of ours (see `MagnitudePhase`)."""
    return _chung2022(steps, lam, snr, sigma_min, sigma_max, MagnitudePhase())


@method("chung2022")
def chung2022_soss(
    steps: int = 500, lam: float = 1.0, snr: float = 0.16, sigma_min: float = 0.01, sigma_max: float = 378.0
) -> Sampler:
    """Algorithm 4: every coil's image by itself, predictor before corrector, root sum of squares at the end.

    The corrector keeps the predictor's label, as in the public code, and each coil has a step size of its own.
    """
    consistency, langevin = GradientConsistency(lam), Langevin(snr, last_noise=False, over="image")
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [ReverseDiffusion(last_noise=True), consistency, Lagging(langevin), consistency],
        SplitComplex(),
        view=Soss(),
    )


@method("chung2022")
def chung2022_hybrid(
    steps: int = 500,
    m: int = 50,
    lam: float = 1.0,
    lam_first: float = 1.0,
    lam_last: float = 0.2,
    snr: float = 0.16,
    sigma_min: float = 0.01,
    sigma_max: float = 378.0,
) -> Sampler:
    """Algorithm 5: `chung2022_soss`, and every m iterations a SENSE step, its length falling from lam_first towards
    lam_last."""
    soss = chung2022_soss(steps, lam, snr, sigma_min, sigma_max)
    return replace(soss, steps=[*soss.steps, Lagging(Every(m, SenseStep(lam_first, lam_last)))])


@method("chung2022ccdf", "chung2022")
def ccdf(
    steps: int = 1000,
    start_time: float = 0.42,
    start_sigma: float | None = None,
    image: Literal["zero-filled", "least-squares", "initial"] = "zero-filled",
    lam: float = 1.0,
    snr: float = 0.16,
    sigma_min: float = 0.01,
    sigma_max: float = 378.0,
) -> Sampler:
    """`chung2022_complex` begun late, from an image noised to a time or a noise level: any method can be begun so.

    Of the grid's levels those from the start on are used. For this VE a time of 0.42 is sigma = 0.84; the paper's 0.02
    would be 0.012, next to no noise.
    """
    sampler = chung2022_complex(steps, lam, snr, sigma_min, sigma_max)
    time = start_time if start_sigma is None else None
    return replace(sampler, start=LateStart(start_sigma, time, image))


@method("jalal2021")
def jalal2021(
    steps: int = 1155,
    rho: float = 0.7,
    epsilon: float = 1.7e-5,
    inner_steps: int = 3,
    weight: Literal["paper", "released"] = "paper",
    mse: float = 5.0,
    sigma_min: float = 0.0066,
    sigma_max: float = 1.2325,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """Annealed Langevin dynamics of the posterior (eq. 4), from uniform noise: the levels below 1.23 of the 2,311 from
    232 to 0.0066, with steps epsilon sigma^2 / sigma_L^2.

    The likelihood's variance is (rho sigma)^2 + noise_std^2; ``weight="released"`` is the released code's instead, in
    which its score is mse times as long as the prior's. rho and epsilon are from a search; the released epsilon is
    5e-5. Steps are stable while epsilon / sigma_L^2 (1 + 1 / rho^2) is below 2.
    """
    likelihood = AnnealedLikelihood(rho) if weight == "paper" else NormMatchedLikelihood(mse)
    check_positive("epsilon is the length of a Langevin step", epsilon)
    sde = VE(sigma_min, sigma_max)
    langevin = AnnealedLangevin(math.sqrt(epsilon / 2) / sigma_min, inner_steps)
    return Sampler(
        sde,
        Geometric(steps),
        [langevin, NextLevel()],
        signal,
        guidance=likelihood,
        start=FromUniform(),
    )


@method("xie2022", prior="mc_ddpm")
def mc_ddpm(steps: int = 1000, predictor: Predictor = Ancestral("forward")) -> Sampler:
    """Algorithm 2: DDPM of the unsampled k-space, by a network that knows the sampled; `DDIM` is the other predictor.

    Fewer steps use every so-many-th level of the chain of 1,000.
    """
    return Sampler(Cosine(0.5), DiscreteCosine(steps), [predictor], TwoChannel(), view=UnsampledKspace())


@method("chung2024")
def dds(
    steps: int = 50, eta: float = 0.85, gamma: float = 180.0, cg_steps: int = 5, signal: Signal = TwoChannel()
) -> Sampler:
    """Algorithm 1 of DDS: DDIM whose estimate of the clean image takes a few conjugate-gradient steps towards the data.

    gamma is from a search; the paper's is 1, for images and noise of another scale. The public code adds no noise when
    it reaches the chain's first level, and then passes there once more.
    """
    return Sampler(
        VP(), DiscreteVP(steps), [Renoise(eta)], signal, guidance=Proximal(gamma, Truncated(cg_steps), "network")
    )


@method("invdiff")
def fast(
    steps: int = 30,
    eta: float = 1.0,
    sigma_max: float = 0.35,
    sigma_min: float = 0.015,
    data_std: float = 0.2,
    noise_floor: float = 0.0,
    held_back: float = 0.05,
    tolerance: float = 2e-4,
    cg_steps: int = 200,
    rho: float = 7.0,
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


@method("invdiff", "zhang2021", spread="fast")
def estimate(
    steps: int = 30,
    sigma_max: float = 0.75,
    times_noise: float = 2.0,
    held_back: float = 0.1,
    tolerance: float = 5e-4,
    cg_steps: int = 100,
    rho: float = 7.0,
    signal: Signal = TURNED,
) -> Sampler:
    """One image, the best in few network calls: half-quadratic splitting with a falling level.

    No noise is drawn: the estimate of each level is combined with the data and shown to the network anew, turned at
    random. It is an estimate and no sample of the posterior; samples of `fast` beside it tell what is uncertain.
    """
    return Sampler(
        VE(),
        DownToNoise(steps, sigma_max, times_noise, rho=rho),
        [HalfQuadratic()],
        signal,
        guidance=Proximal(SplittingWeight(held_back), Converged(tolerance, cg_steps), "estimate"),
        start=WienerStart(held_back),
    )
