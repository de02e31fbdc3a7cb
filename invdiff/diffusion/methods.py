"""Published solvers, and ours: each a few parts put together."""

from invdiff.diffusion.grids import DiscreteVP, Geometric, Karras
from invdiff.diffusion.guidance import PosteriorVariance, Proximal
from invdiff.diffusion.registry import method
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE, VP
from invdiff.diffusion.signals import RealImage, Signal, SplitComplex, TwoChannel
from invdiff.diffusion.start import FromNoise
from invdiff.diffusion.steps import (
    GradientConsistency,
    Langevin,
    Renoise,
    ReverseDiffusion,
    Tweedie,
)


@method("Song, Shen, Xing & Ermon 2021, Solving Inverse Problems in Medical Imaging with Score-Based Generative Models")
def song2021(
    steps: int = 1000,
    lam: float = 1.0,
    snr: float = 0.517,
    sigma_min: float = 0.01,
    sigma_max: float = 128.0,
    signal: Signal = RealImage(),
) -> Sampler:
    """Algorithm 2, with one Langevin step a level: before each update, a step of length lam towards the data noised
    alike.

    The step is lam Aᴴ(y_t - A x). For P(Λ) F it is eq. (7) on complex images and the public code's merge on real ones.
    For SENSE, where A⁺ would replace what the prior said by least squares, it stays a gradient step.
    """
    consistency = GradientConsistency(lam, noised=True)
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [consistency, Langevin(snr), consistency, ReverseDiffusion(last_noise=True)],
        signal,
        finish=[Tweedie(), GradientConsistency(1.0)],
    )


def _chung2022(steps: int, lam: float, snr: float, sigma_min: float, sigma_max: float, signal: Signal) -> Sampler:
    consistency = GradientConsistency(lam)
    return Sampler(
        VE(sigma_min, sigma_max),
        Geometric(steps),
        [Langevin(snr), consistency, ReverseDiffusion(), consistency],
        signal,
        start=FromNoise(then=(consistency,)),
    )


@method("Chung & Ye 2022, Score-based diffusion models for accelerated MRI")
def chung2022_real(
    steps: int = 2000, lam: float = 1.0, snr: float = 0.16, sigma_min: float = 0.01, sigma_max: float = 378.0
) -> Sampler:
    """Algorithm 2: corrector and predictor of a real image, each followed by x + lam Aᴴ(y - A x)."""
    return _chung2022(steps, lam, snr, sigma_min, sigma_max, RealImage())


@method("Chung & Ye 2022, Score-based diffusion models for accelerated MRI")
def chung2022_complex(
    steps: int = 2000, lam: float = 1.0, snr: float = 0.16, sigma_min: float = 0.01, sigma_max: float = 378.0
) -> Sampler:
    """Algorithm 3: as `chung2022_real`, real and imaginary part through the same network of real images."""
    return _chung2022(steps, lam, snr, sigma_min, sigma_max, SplitComplex())


@method("Chung, Lee & Ye 2024, Decomposed Diffusion Sampler for Accelerating Large-Scale Inverse Problems")
def dds(
    steps: int = 50, eta: float = 0.85, gamma: float = 1.0, cg_steps: int = 5, signal: Signal = TwoChannel()
) -> Sampler:
    """Algorithm 1 of DDS: DDIM whose estimate of the clean image takes a few conjugate-gradient steps towards the
    data."""
    return Sampler(
        VP(), DiscreteVP(steps), [Renoise(eta)], signal, guidance=Proximal(gamma, cg_steps, noise_from="network")
    )


@method("invdiff; after Zhu et al. 2023 (DiffPIR), Song et al. 2023 (PiGDM) and Karras et al. 2022 (levels)")
def fast(
    steps: int = 20,
    eta: float = 1.0,
    sigma_max: float = 1.0,
    sigma_min: float = 0.02,
    data_std: float = 0.2,
    noise_floor: float = 0.0,
    cg_steps: int = 10,
    rho: float = 7.0,
    signal: Signal = SplitComplex(),
) -> Sampler:
    """Few steps, strongly guided: the estimate is combined with the data by their variances, then noised afresh.

    The built-in prior does better on measured scans with `SplitComplex`, and on simulated ones with `TwoChannel`.
    """
    return Sampler(
        VE(sigma_min, sigma_max),
        Karras(steps, sigma_max, sigma_min, rho),
        [Renoise(eta)],
        signal,
        guidance=Proximal(PosteriorVariance(data_std, noise_floor), cg_steps, noise_from="estimate"),
    )
