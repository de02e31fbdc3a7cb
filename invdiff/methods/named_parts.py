"""Parts that can be given by a name, in parameters as text."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from invdiff import diffusion
from invdiff.diffusion import TURNED, InnerSolve, Part, grids, guidance, sde, signals, start, steps, views

Make = functools.partial[Any]
"""A class of parts, with what it is given beside the arguments that are written."""

_TABLE: Mapping[str, Callable[..., Any]] = {
    "real": signals.RealImage,
    "split": signals.SplitComplex,
    "two": signals.TwoChannel,
    "magnitude-phase": signals.MagnitudePhase,
    "turned": functools.partial(diffusion.Turned, signal=TURNED.signal),
    "by-turns": diffusion.ByTurns,
    "alternating-planes": functools.partial(diffusion.AlternatingPlanes, signal=TURNED),
    "sense": views.Sense,
    "soss": views.Soss,
    "unsampled-kspace": views.UnsampledKspace,
    "karras": grids.Karras,
    "uniform": grids.Uniform,
    "geometric": grids.Geometric,
    "down-to-noise": grids.DownToNoise,
    "discrete-vp": grids.DiscreteVP,
    "discrete-cosine": grids.DiscreteCosine,
    "ve": sde.VE,
    "vp": sde.VP,
    "subvp": sde.SubVP,
    "cosine": sde.Cosine,
    "proximal": guidance.Proximal,
    "dps": guidance.DPS,
    "pigdm": guidance.PiGDM,
    "moment-matching": guidance.MomentMatching,
    "annealed-likelihood": guidance.AnnealedLikelihood,
    "noised-likelihood": guidance.NoisedLikelihood,
    "norm-matched-likelihood": guidance.NormMatchedLikelihood,
    "posterior-variance": guidance.PosteriorVariance,
    "diffpir-weight": guidance.DiffPIRWeight,
    "splitting-weight": guidance.SplittingWeight,
    "tweedie-covariance": guidance.TweedieCovariance,
    "row-sum-covariance": guidance.RowSumCovariance,
    "converged": diffusion.Converged,
    "truncated": diffusion.Truncated,
    "from-noise": start.FromNoise,
    "from-uniform": start.FromUniform,
    "wiener": start.WienerStart,
    "from-pseudo-inverse": start.FromPseudoInverse,
    "from-likelihood": start.FromLikelihood,
    "late": start.LateStart,
    "reverse-diffusion": steps.ReverseDiffusion,
    "euler-maruyama": steps.EulerMaruyama,
    "ancestral": steps.Ancestral,
    "ddpm": functools.partial(steps.Ancestral, variance="forward"),
    "probability-flow": steps.ProbabilityFlow,
    "ddim": steps.DDIM,
    "renoise": steps.Renoise,
    "2m": steps.DPMSolver2M,
    "2m-sde": steps.DPMSolver2MSDE,
    "next-level": steps.NextLevel,
    "half-quadratic": steps.HalfQuadratic,
    "split-gibbs": steps.SplitGibbs,
    "daps": steps.DAPS,
    "ddrm": steps.DDRM,
    "red-diff": steps.REDDiff,
    "langevin": steps.Langevin,
    "annealed-langevin": steps.AnnealedLangevin,
    "preconditioned-langevin": steps.PreconditionedLangevin,
    "gradient-consistency": steps.GradientConsistency,
    "projection-consistency": steps.ProjectionConsistency,
    "sense-step": steps.SenseStep,
    "every": steps.Every,
    "lagging": steps.Lagging,
    "tweedie": steps.Tweedie,
    "spectral-draw": diffusion.SpectralDraw,
    "reverse-draw": diffusion.ReverseDraw,
    "data-covariance": diffusion.DataCovariance,
    "exchanged-noise": diffusion.ExchangedNoise,
}

PARTS: Mapping[str, Make] = {name: functools.partial(made) for name, made in _TABLE.items()}
"""What makes a part, by the name that it has in settings."""


def named_parts(kind: type) -> dict[str, Make]:
    """The parts of a kind, by name."""
    return {name: made for name, made in PARTS.items() if issubclass(_class(made), kind)}


def find_part(word: str, kind: type) -> Make | None:
    """What makes the part of a kind that a word names, as the table does or by its class, as parts are printed."""
    candidates = named_parts(kind)
    classes = {_class(made).__name__: functools.partial(_class(made)) for made in candidates.values()}
    spelt = {_plain(name): made for name, made in (*classes.items(), *candidates.items())}
    return spelt.get(_plain(word))


def name_of_value(value: object) -> str:
    """How a parameter's value can be given as text: a part as it is made by default by its name."""
    if not isinstance(value, Part | InnerSolve):
        return str(value)
    made_so = (name for name, made in PARTS.items() if _class(made) is type(value) and _usual(made) == vars(value))
    return next(made_so, str(value))


def _usual(made: Make) -> dict[str, Any]:
    return {each.name: each.default for each in fields(_class(made))} | made.keywords


def required(made: Make) -> list[str]:
    """The fields of a part that it can't be made without."""
    needed = (each for each in fields(_class(made)) if each.default is MISSING and each.default_factory is MISSING)
    return [each.name for each in needed if each.name not in made.keywords]


def _class(made: Make) -> Any:
    return made.func


def _plain(name: str) -> str:
    return name.replace("-", "").lower()
