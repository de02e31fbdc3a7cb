"""A step after the predictor, as if at the level before it."""

from dataclasses import dataclass, replace

from invdiff.diffusion.context import Context
from invdiff.diffusion.part import Part
from invdiff.diffusion.steps.base import Predictor, State, Step
from invdiff.errors import InputError


@dataclass(frozen=True)
class Lagging(Step):
    """The step with the label of the level that the iteration began with, as public code often has it: a corrector
    that follows the predictor still sees level k, and ``Lagging(Every(m, step))`` acts in iterations 0, m, 2m, ...

    Raises:
        InputError: the step is a predictor.
    """

    step: Step
    place = "after the predictor"

    def __post_init__(self) -> None:
        if isinstance(self.step, Predictor):
            raise InputError(f"{type(self.step).__name__} moves on from the level of the state; it can't lag behind.")

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.step,)

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return self.step.network_calls(k - 1, steps, guided)

    def __call__(self, state: State, context: Context) -> State:
        return replace(self.step(replace(state, k=state.k - 1), context), k=state.k)
