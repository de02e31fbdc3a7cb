"""Moves of the noisy state. One step a file."""

from invdiff.diffusion.steps.ancestral import Ancestral
from invdiff.diffusion.steps.base import Predictor, State, Step
from invdiff.diffusion.steps.daps import DAPS
from invdiff.diffusion.steps.ddim import DDIM, Renoise
from invdiff.diffusion.steps.ddrm import DDRM
from invdiff.diffusion.steps.dpm_solver import DPMSolver2M, DPMSolver2MSDE
from invdiff.diffusion.steps.euler_maruyama import EulerMaruyama
from invdiff.diffusion.steps.every import Every
from invdiff.diffusion.steps.gradient_consistency import GradientConsistency
from invdiff.diffusion.steps.half_quadratic import HalfQuadratic
from invdiff.diffusion.steps.lagging import Lagging
from invdiff.diffusion.steps.langevin import AnnealedLangevin, Langevin, LangevinStep
from invdiff.diffusion.steps.next_level import NextLevel
from invdiff.diffusion.steps.preconditioned_langevin import PreconditionedLangevin
from invdiff.diffusion.steps.probability_flow import ProbabilityFlow
from invdiff.diffusion.steps.projection_consistency import ProjectionConsistency
from invdiff.diffusion.steps.red_diff import REDDiff
from invdiff.diffusion.steps.reverse_diffusion import ReverseDiffusion
from invdiff.diffusion.steps.sense_step import SenseStep
from invdiff.diffusion.steps.split_gibbs import SplitGibbs
from invdiff.diffusion.steps.tweedie import Tweedie

__all__ = [
    "DAPS",
    "DDIM",
    "DDRM",
    "Ancestral",
    "AnnealedLangevin",
    "DPMSolver2M",
    "DPMSolver2MSDE",
    "EulerMaruyama",
    "Every",
    "GradientConsistency",
    "HalfQuadratic",
    "Lagging",
    "Langevin",
    "LangevinStep",
    "NextLevel",
    "PreconditionedLangevin",
    "Predictor",
    "ProbabilityFlow",
    "ProjectionConsistency",
    "REDDiff",
    "Renoise",
    "ReverseDiffusion",
    "SenseStep",
    "SplitGibbs",
    "State",
    "Step",
    "Tweedie",
]
