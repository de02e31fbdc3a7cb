"""Priors: what images look like. Networks, exact analytic priors, and their checkpoints."""

from invdiff.priors.base import Intensity, Prior
from invdiff.priors.checkpoints.checkpoint import load_prior, save_prior
from invdiff.priors.checkpoints.published import PUBLISHED
from invdiff.priors.conditional import ConditionalPrior
from invdiff.priors.deepinv_denoiser import from_deepinv
from invdiff.priors.diffusers_unet import from_diffusers
from invdiff.priors.exact.gaussian import GaussianPrior
from invdiff.priors.exact.mixture import GaussianMixturePrior
from invdiff.priors.labels import LogSigma, SigmaLabel, StepNumber, SubVPTime, VPTime
from invdiff.priors.networks.ncsnpp import NCSNpp, NCSNppConfig
from invdiff.priors.networks.ncsnv2 import NCSNv2, NCSNv2Config
from invdiff.priors.networks.unet import UNet
from invdiff.priors.parameterisation import EDM, Clean, Noise, Parameterisation, Preconditioning, Score, Velocity
from invdiff.priors.scalings import SubVPScaling, UnitScaling, VPScaling
from invdiff.priors.score_prior import ScorePrior

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
