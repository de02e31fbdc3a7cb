"""How the prior's estimate of the clean image learns of the measurement. One rule a file."""

from invdiff.diffusion.guidance.base import Estimate, Guidance
from invdiff.diffusion.guidance.likelihood import (
    AnnealedLikelihood,
    Likelihood,
    NoisedLikelihood,
    NormMatchedLikelihood,
)
from invdiff.diffusion.guidance.proximal import DiffPIRWeight, PosteriorVariance, Proximal, SplittingWeight

__all__ = [
    "AnnealedLikelihood",
    "DiffPIRWeight",
    "Estimate",
    "Guidance",
    "Likelihood",
    "NoisedLikelihood",
    "NormMatchedLikelihood",
    "PosteriorVariance",
    "Proximal",
    "SplittingWeight",
]
