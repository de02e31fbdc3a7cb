"""Priors: what images look like. Networks, exact analytic priors, and their checkpoints."""

from invdiff.priors.base import Intensity, Prior
from invdiff.priors.checkpoint import load_prior, save_prior
from invdiff.priors.conditional import ConditionalPrior
from invdiff.priors.deepinv_denoiser import from_deepinv
from invdiff.priors.diffusers_unet import from_diffusers
from invdiff.priors.gaussian import GaussianPrior
from invdiff.priors.labels import LogSigma, SigmaLabel, StepNumber, SubVPTime, VPTime
from invdiff.priors.mixture import GaussianMixturePrior
from invdiff.priors.ncsnpp import NCSNpp, NCSNppConfig
from invdiff.priors.ncsnv2 import NCSNv2, NCSNv2Config
from invdiff.priors.parameterisation import EDM, Clean, Noise, Parameterisation, Preconditioning, Score, Velocity
from invdiff.priors.published import PUBLISHED
from invdiff.priors.scalings import SubVPScaling, UnitScaling, VPScaling
from invdiff.priors.score_prior import ScorePrior
from invdiff.priors.unet import UNet

__all__ = [
    "EDM",
    "PUBLISHED",
    "Clean",
    "ConditionalPrior",
    "GaussianMixturePrior",
    "GaussianPrior",
    "Intensity",
    "LogSigma",
    "NCSNpp",
    "NCSNppConfig",
    "NCSNv2",
    "NCSNv2Config",
    "Noise",
    "Parameterisation",
    "Preconditioning",
    "Prior",
    "Score",
    "ScorePrior",
    "SigmaLabel",
    "StepNumber",
    "SubVPScaling",
    "SubVPTime",
    "UNet",
    "UnitScaling",
    "VPScaling",
    "VPTime",
    "Velocity",
    "from_deepinv",
    "from_diffusers",
    "load_prior",
    "save_prior",
]
