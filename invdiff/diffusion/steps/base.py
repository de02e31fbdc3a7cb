"""The contract of steps, and the state they move."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.part import Part

Place = Literal["anywhere", "after the predictor", "finish"]


@dataclass(frozen=True)
class State:
    """Noisy samples at one level.

    Attributes:
        x: the samples ``(samples, *)`` in the prior's units, x = alpha[k] x_0 + beta[k] z.
        k: the level's index.
        memory: what multistep predictors remember; tensors only, so that a state can be saved.
        finished: whether the steps of the finish have been taken too, so that nothing is left to do.
    """

    x: Tensor
    k: int
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    finished: bool = False

    def at(self, x: Tensor, k: int | None = None, **memory: Tensor) -> "State":
        """The state moved to ``x``, and to level ``k`` where given, with ``memory`` added."""
        return replace(self, x=x, k=self.k if k is None else k, memory={**self.memory, **memory})


class Step(Part, ABC):
    """One move of the noisy state. Steps of a list are applied in order; those after the predictor see level k + 1."""

    @property
    def place(self) -> Place:
        """Where a sampler may have it: in its steps and its finish, in its steps after the predictor, or in its finish
        alone."""
        return "anywhere"

    @abstractmethod
    def __call__(self, state: State, context: Context) -> State:
        """The state after this step."""

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        """Network calls a sample at level ``k`` of a grid of ``steps`` moves, where a guided estimate takes ``guided``
        of them."""
        return 0


class Predictor(Step):
    """A step that moves from level k to level k + 1: a sampler has exactly one."""

    def without_data(self) -> "Predictor":
        """The move where nothing was measured."""
        return self

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return guided
