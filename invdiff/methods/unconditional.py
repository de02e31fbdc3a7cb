"""The prior alone: the recipe behind ``invdiff sample``."""

from dataclasses import replace

from invdiff.diffusion.grids import Grid, Karras
from invdiff.diffusion.parameters import StepCount
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.sde import SDE, VE
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.steps import Ancestral, LangevinStep, Predictor
from invdiff.methods.method import Method

KARRAS = Karras()


def unconditional(
    steps: StepCount = 40,
    sde: SDE = VE(),
    grid: Grid = KARRAS,
    predictor: Predictor = Ancestral(),
    corrector: LangevinStep | None = None,
    signal: Signal = TwoChannel(),
) -> Sampler:
    """Samples of the prior: a predictor over falling noise, with a corrector before it where one is given.

    Args:
        steps: how many levels of ``grid`` there are.
        sde: how noise is added.
        grid: at which levels it is removed; its own number of steps is not used.
        predictor: how the next level is reached.
        corrector: what improves samples of a level first.
        signal: how images meet the network.
    """
    moves = [predictor] if corrector is None else [corrector, predictor]
    return Sampler(sde, replace(grid, steps=steps), moves, signal)  # type: ignore[type-var] # grids are dataclasses


UNCONDITIONAL = Method("unconditional", ("song2020",), unconditional)
"""The recipe, with parameters as text. It is no way to reconstruct, so it is none of `METHODS`."""
