"""How the prior's estimate of the clean image learns of the measurement. One rule a file."""

from invdiff.diffusion.guidance.base import Denoise, Estimate, Guidance
from invdiff.diffusion.guidance.dps import DPS
from invdiff.diffusion.guidance.likelihood import (
    AnnealedLikelihood,
    Likelihood,
    NoisedLikelihood,
    NormMatchedLikelihood,
)
from invdiff.diffusion.guidance.linearised import Linearised
from invdiff.diffusion.guidance.moment_matching import MomentMatching
from invdiff.diffusion.guidance.pigdm import PiGDM
from invdiff.diffusion.guidance.proximal import DiffPIRWeight, PosteriorVariance, Proximal, SplittingWeight, Weight

__all__ = [
    "DPS",
    "AnnealedLikelihood",
    "Denoise",
    "DiffPIRWeight",
    "Estimate",
    "Guidance",
    "Likelihood",
    "Linearised",
    "MomentMatching",
    "NoisedLikelihood",
    "NormMatchedLikelihood",
    "PiGDM",
    "PosteriorVariance",
    "Proximal",
    "SplittingWeight",
    "Weight",
]
