"""A step now and then."""

from dataclasses import dataclass

from invdiff.diffusion.context import Context
from invdiff.diffusion.parameters import Period
from invdiff.diffusion.part import Part
from invdiff.diffusion.steps.base import Place, Predictor, State, Step
from invdiff.errors import InputError


@dataclass(frozen=True)
class Every(Step):
    """The step in iterations 0, m, 2m, ...; nothing in the others.

    The iteration is the level's index, so that of a step placed after the predictor is counted from one; see `Lagging`.

    Raises:
        InputError: m is not at least one, or the step is a predictor, which must move in every iteration.
    """

    m: Period
    step: Step

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.step, Predictor):
            raise InputError(f"{type(self.step).__name__} moves to the next level, so it must run in every iteration.")

    @property
    def place(self) -> Place:
        return self.step.place

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.step,)

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return self.step.network_calls(k, steps, guided) if k % self.m == 0 else 0

    def __call__(self, state: State, context: Context) -> State:
        return self.step(state, context) if state.k % self.m == 0 else state
