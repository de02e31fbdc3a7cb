"""What is seen of a run while it goes on."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from invdiff.diffusion.run_trace import Iteration
from invdiff.operators.remembered import remembered

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context
    from invdiff.diffusion.steps.base import State


@dataclass(frozen=True, eq=False)
class Moment:
    """The end of an iteration of samples side by side.

    Attributes:
        context: the run.
        began: the state that the iteration began with.
        state: the state that it ended with.
        mean: the estimate of the clean state ``(samples, *)`` that was asked for last, as guidance left it, in the
            run's own units; ``None`` where none was asked for.
        before: the same of the iteration before.
    """

    context: "Context"
    began: "State"
    state: "State"
    mean: Tensor | None = field(repr=False)
    before: Tensor | None = field(repr=False)

    @property
    def samples(self) -> Sequence[int]:
        """Indices of the samples."""
        return self.context.noise.samples

    @property
    def sigma(self) -> float:
        """The noise level that the iteration began at."""
        return self.context.levels.sigma(self.began.k)

    @remembered
    def estimate(self) -> Tensor | None:
        """The estimate of the clean image ``(samples, *image)`` in the measurement's units; ``None`` where none was
        asked for."""
        if self.mean is None:
            return None
        bound = self.context.bound
        return self.context.view.image(self.mean, bound.problem) * bound.unit

    @remembered
    def changes(self) -> list[float | None]:
        """`Iteration.change` of each sample."""
        if self.mean is None or self.before is None:
            return [None] * len(self.samples)
        lengths = _lengths(self.mean)
        return list((_lengths(self.mean - self.before) / lengths.where(lengths > 0, 1)).tolist())

    @remembered
    def residuals(self) -> list[float | None]:
        """`Iteration.residual` of each sample: one more application of A."""
        context, noise_std = self.context, self.context.noise_std
        if self.mean is None or not noise_std or not context.y.numel():
            return [None] * len(self.samples)
        numbers = context.y.numel() * (2 if context.y.is_complex() else 1)
        left = _lengths(context.operator(self.mean) - context.y)
        return list((left / (noise_std * math.sqrt(numbers))).tolist())


def moments(run: "Context") -> "Iterator[tuple[State, Moment | None]]":
    """The states of a run from its start, each with the moment that it ends; none at the start."""
    began: State | None = None
    before: Tensor | None = None
    for state in run.states():
        if began is None:
            yield state, None
        else:
            mean = run.denoiser.take()
            yield state, Moment(run, began, state, mean, before)
            before = before if mean is None else mean
        began = state


def _lengths(x: Tensor) -> Tensor:
    """The norm of each sample: of all at once, since many small ones may run side by side."""
    found: Tensor = torch.linalg.vector_norm(x.flatten(1), dim=1)
    return found


Callback = Callable[[Moment], None]
"""What is told of every iteration while a sampler runs."""


@dataclass(frozen=True)
class Record:
    """What a trace holds of every iteration: the noise level and the change of the estimate, which are there anyway."""

    def __call__(self, moment: Moment) -> list[Iteration]:
        """An iteration of each sample."""
        sigma = moment.sigma
        return [Iteration(sample, sigma, change) for sample, change in zip(moment.samples, moment.changes, strict=True)]


@dataclass(frozen=True)
class ResidualRecord(Record):
    """The residual, too: one more application of A in each iteration."""

    def __call__(self, moment: Moment) -> list[Iteration]:
        rows = zip(super().__call__(moment), moment.residuals, strict=True)
        return [iteration._replace(residual=residual) for iteration, residual in rows]
