"""Parts that can be given by a name, in parameters as text."""

import functools

from invdiff.diffusion import grids, sde, signals, steps
from invdiff.diffusion.part import Part
from invdiff.diffusion.turns import TURNED


@functools.cache
def named_parts() -> dict[type[Part], dict[str, Part]]:
    """The parts that can be given by a name, for each kind of parameter."""
    return {
        signals.Signal: {
            "real": signals.RealImage(),
            "split": signals.SplitComplex(),
            "two": signals.TwoChannel(),
            "magnitude-phase": signals.MagnitudePhase(),
            "turned": TURNED,
        },
        grids.Grid: {"karras": grids.Karras(), "uniform": grids.Uniform(), "geometric": grids.Geometric()},
        sde.SDE: {"ve": sde.VE(), "vp": sde.VP(), "subvp": sde.SubVP(), "cosine": sde.Cosine()},
        steps.Predictor: {
            "reverse-diffusion": steps.ReverseDiffusion(),
            "euler-maruyama": steps.EulerMaruyama(),
            "ancestral": steps.Ancestral(),
            "ddpm": steps.Ancestral("forward"),
            "probability-flow": steps.ProbabilityFlow(),
            "ddim": steps.DDIM(),
            "2m": steps.DPMSolver2M(),
            "2m-sde": steps.DPMSolver2MSDE(),
            "next-level": steps.NextLevel(),
            "half-quadratic": steps.HalfQuadratic(),
        },
        steps.LangevinStep: {"langevin": steps.Langevin(), "annealed-langevin": steps.AnnealedLangevin()},
    }


def name_of_value(value: object) -> str:
    """How a parameter's value can be given as text: a part by its name."""
    named = {part: name for parts in named_parts().values() for name, part in parts.items()}
    return named.get(value, str(value)) if isinstance(value, Part) else str(value)
