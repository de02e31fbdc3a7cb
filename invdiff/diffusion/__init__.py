"""Samplers: a loop over falling noise, and the parts that papers exchange in it."""

from invdiff.diffusion.context import Context
from invdiff.diffusion.grids import DiscreteVP, Geometric, Grid, Karras, Levels, Uniform
from invdiff.diffusion.guidance import DiffPIRWeight, Estimate, Guidance, PosteriorVariance, Proximal
from invdiff.diffusion.methods import chung2022_complex, chung2022_real, dds, fast, song2021
from invdiff.diffusion.noise import NoiseStream
from invdiff.diffusion.posterior import Posterior
from invdiff.diffusion.problem import Problem
from invdiff.diffusion.registry import METHODS, Method, find_method
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import SDE, VE, VP, SubVP
from invdiff.diffusion.signals import RealImage, Signal, SplitComplex, TwoChannel
from invdiff.diffusion.start import FromNoise, LateStart, Start
from invdiff.diffusion.steps import (
    DDIM,
    Ancestral,
    DPMSolver2M,
    EulerMaruyama,
    Every,
    GradientConsistency,
    Langevin,
    Predictor,
    ProbabilityFlow,
    ProjectionConsistency,
    Renoise,
    ReverseDiffusion,
    State,
    Step,
    Tweedie,
)
from invdiff.diffusion.views import Sense, View

__all__ = [
    "DDIM",
    "METHODS",
    "SDE",
    "VE",
    "VP",
    "Ancestral",
    "Context",
    "DPMSolver2M",
    "DiffPIRWeight",
    "DiscreteVP",
    "Estimate",
    "EulerMaruyama",
    "Every",
    "FromNoise",
    "Geometric",
    "GradientConsistency",
    "Grid",
    "Guidance",
    "Karras",
    "Langevin",
    "LateStart",
    "Levels",
    "Method",
    "NoiseStream",
    "Posterior",
    "PosteriorVariance",
    "Predictor",
    "ProbabilityFlow",
    "Problem",
    "ProjectionConsistency",
    "Proximal",
    "RealImage",
    "Renoise",
    "ReverseDiffusion",
    "Sampler",
    "Sense",
    "Signal",
    "SplitComplex",
    "Start",
    "State",
    "Step",
    "SubVP",
    "Tweedie",
    "TwoChannel",
    "Uniform",
    "View",
    "chung2022_complex",
    "chung2022_real",
    "dds",
    "fast",
    "find_method",
    "song2021",
]
