"""Chung and Ye 2022: real, complex and multi-coil images, and their hybrid."""

from dataclasses import replace

from invdiff.diffusion.grids import Geometric
from invdiff.diffusion.parameters import (
    ConsistencyLength,
    FirstSenseLength,
    LastSenseLength,
    Period,
    SigmaMax,
    SigmaMin,
    Snr,
    StepCount,
)
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import VE
from invdiff.diffusion.signals import MagnitudePhase, RealImage, Signal, SplitComplex
from invdiff.diffusion.start import FromNoise
from invdiff.diffusion.steps import Every, GradientConsistency, Lagging, Langevin, ReverseDiffusion, SenseStep
from invdiff.diffusion.views import Soss
from invdiff.methods.method import method


def _chung2022(
    steps: StepCount, lam: ConsistencyLength, snr: Snr, sigma_min: SigmaMin, sigma_max: SigmaMax, signal: Signal
) -> Sampler:
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
    steps: StepCount = 2000,
    lam: ConsistencyLength = 1.0,
    snr: Snr = 0.16,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 378.0,
) -> Sampler:
    """Algorithm 2: corrector and predictor of a real image, each followed by x + lam Aᴴ(y - A x)."""
    return _chung2022(steps, lam, snr, sigma_min, sigma_max, RealImage())


@method("chung2022")
def chung2022_complex(
    steps: StepCount = 2000,
    lam: ConsistencyLength = 1.0,
    snr: Snr = 0.16,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 378.0,
) -> Sampler:
    """Algorithm 3: as `chung2022_real`, real and imaginary part through the same network of real images."""
    return _chung2022(steps, lam, snr, sigma_min, sigma_max, SplitComplex())


@method("chung2022")
def chung2022_magnitude_phase(
    steps: StepCount = 2000,
    lam: ConsistencyLength = 1.0,
    snr: Snr = 0.16,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 378.0,
) -> Sampler:
    """As `chung2022_complex`, magnitude and phase through the network: the paper names it without equations, so it is a
    heuristic of ours (see `MagnitudePhase`)."""
    return _chung2022(steps, lam, snr, sigma_min, sigma_max, MagnitudePhase())


@method("chung2022")
def chung2022_soss(
    steps: StepCount = 500,
    lam: ConsistencyLength = 1.0,
    snr: Snr = 0.16,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 378.0,
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
    steps: StepCount = 500,
    m: Period = 50,
    lam: ConsistencyLength = 1.0,
    lam_first: FirstSenseLength = 1.0,
    lam_last: LastSenseLength = 0.2,
    snr: Snr = 0.16,
    sigma_min: SigmaMin = 0.01,
    sigma_max: SigmaMax = 378.0,
) -> Sampler:
    """Algorithm 5: `chung2022_soss`, and every m iterations a SENSE step, its length falling from lam_first towards
    lam_last."""
    soss = chung2022_soss(steps, lam, snr, sigma_min, sigma_max)
    return replace(soss, steps=[*soss.steps, Lagging(Every(m, SenseStep(lam_first, lam_last)))])
