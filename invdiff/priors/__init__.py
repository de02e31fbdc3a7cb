"""Priors: what images look like. Networks, exact analytic priors, and their checkpoints."""

from invdiff.priors.base import Intensity, Prior
from invdiff.priors.checkpoint import load_prior, save_prior
from invdiff.priors.conditional import ConditionalPrior
from invdiff.priors.gaussian import GaussianPrior
from invdiff.priors.labels import LogSigma, SigmaLabel, VPTime
from invdiff.priors.mixture import GaussianMixturePrior
from invdiff.priors.ncsnpp import NCSNpp, NCSNppConfig
from invdiff.priors.parameterisation import EDM, Noise, Parameterisation, Preconditioning, Score, Velocity
from invdiff.priors.score_prior import ScorePrior
from invdiff.priors.unet import UNet

__all__ = [
    "EDM",
    "ConditionalPrior",
    "GaussianMixturePrior",
    "GaussianPrior",
    "Intensity",
    "LogSigma",
    "NCSNpp",
    "NCSNppConfig",
    "Noise",
    "Parameterisation",
    "Preconditioning",
    "Prior",
    "Score",
    "ScorePrior",
    "SigmaLabel",
    "UNet",
    "VPTime",
    "Velocity",
    "load_prior",
    "save_prior",
]
