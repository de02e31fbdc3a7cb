"""A sampler, fitted to a problem and a prior: what all of their samples share."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.denoiser import Denoiser
from invdiff.diffusion.grids import Levels
from invdiff.diffusion.moment import Callback, Record, moments
from invdiff.diffusion.noise import NoiseStream
from invdiff.diffusion.posterior import Posterior
from invdiff.diffusion.run_trace import RunTrace
from invdiff.errors import InputError
from invdiff.operators import ConvergenceWarning, LinearOperator
from invdiff.operators.remembered import remembered
from invdiff.pictures.progress_bar import Progress, shown_in_notebooks
from invdiff.priors.base import Prior
from invdiff.problem import Problem

if TYPE_CHECKING:
    from invdiff.diffusion.sampler import Sampler


def check_samples(count: int) -> None:
    """Raise ``InputError`` where no sample is asked for."""
    if count < 1:
        raise InputError(f"At least one sample must be drawn, but got samples={count}.")


@dataclass(frozen=True, eq=False)
class Bound:
    """A sampler that has been checked against a problem and a prior, and all that is computed of them once; see
    `Sampler.bind`.

    Attributes:
        sampler: what was bound.
        levels: the noise levels of every run.
        problem: what was measured, in the prior's units.
        operator: A, as the state sees it; of norm one, at most.
        y: the measurement, as the state sees it.
        noise_std: of the noise of y, or ``None`` where unknown.
        prior: what images look like, in units in which white is one, told of the measurement.
        support: where states have noise, as `View.support` says it.
        scale: the intensity of the problem that the prior sees as its own.
        unit: the intensity of the problem that is one in a run.
    """

    sampler: "Sampler"
    levels: Levels
    problem: Problem
    operator: LinearOperator
    y: Tensor = field(repr=False)
    noise_std: float | None
    prior: Prior = field(repr=False)
    support: Tensor | None = field(repr=False)
    scale: float
    unit: float

    @remembered
    def adjoint_y(self) -> Tensor:
        """Aᴴ y, of the image that the state is."""
        return self.operator.H(self.y)

    @remembered
    def pinv_y(self) -> Tensor:
        """A⁺ y, of the image that the state is."""
        return self.operator.pinv(self.y)

    @property
    def network_calls(self) -> int:
        """Network calls for each sample."""
        return self.sampler.network_calls(self.levels)

    def run(self, samples: Sequence[int] = (0,), *, seed: int = 0, case: int = 0) -> Context:
        """A run of some samples side by side, which has not begun: see `Context.states`.

        Args:
            samples: their indices.
            seed: of the random numbers; with ``case`` and its own index, a sample's numbers depend on nothing else.
            case: which image of a data set this is.

        Raises:
            InputError: an index, ``seed`` or ``case`` is negative.
        """
        sampler = self.sampler
        noise = NoiseStream(seed, case, samples, self.y.device, self.support, sampler.noise, sampler.correlated_slices)
        return Context(self, noise, Denoiser(self.prior, sampler.signal.for_prior(self.prior)))

    def draw(
        self,
        samples: int | range,
        *,
        seed: int = 0,
        case: int = 0,
        together: int | None = None,
        progress: Progress | None = None,
        callback: Callback | None = None,
        record: Record = Record(),
    ) -> Posterior:
        """Samples of the image given the measurement, in the measurement's units.

        Args:
            samples: how many to draw, from the first on, or the indices of those to draw.
            seed: as in `run`.
            case: as in `run`.
            together: how many samples run side by side: by default one on the CPU, where that is fastest and makes
                results independent of ``samples``, and all of them on other devices.
            progress: called with (iterations done, iterations in all); in a notebook a bar is shown where nothing is
                called.
            callback: called with the `Moment` at the end of every iteration, which shows the estimate; what it raises
                ends the run.
            record: what the posterior's trace holds of every iteration.

        Raises:
            InputError: no sample is asked for, ``together`` is not positive, an index, ``seed`` or ``case`` is
                negative, or the run diverges.
        """
        indices = range(samples) if isinstance(samples, int) else samples
        check_samples(len(indices))
        if together is not None and together < 1:
            raise InputError(f"At least one sample runs at a time, but got together={together}.")
        size = together or side_by_side(self.y.device, len(indices))
        runs = [self.run(indices[start : start + size], seed=seed, case=case) for start in range(0, len(indices), size)]
        images: list[Tensor] = []
        visited: list[float] = []
        trace, steps = RunTrace(), self.levels.steps
        with shown_in_notebooks(progress, f"{len(indices)} sample{'s' * (len(indices) > 1)}") as report:
            for number, run in enumerate(runs):
                visited = []
                for state, moment in moments(run):
                    visited.append(self.levels.sigma(state.k))
                    if moment is not None:
                        trace.course.extend(record(moment))
                        if callback is not None:
                            callback(moment)
                    if report is not None:
                        report(number * steps + state.k, len(runs) * steps)
                images.append(self.sampler.view.image(state.x, self.problem))
                trace.solves.extend(run.trace.solves)
        if trace.warning is not None:
            warnings.warn(trace.warning, ConvergenceWarning, stacklevel=2)
        nfe = sum(run.denoiser.calls for run in runs) // len(indices)
        return Posterior(torch.cat(images) * self.unit, self.scale, nfe, tuple(visited), trace)


def side_by_side(device: torch.device, samples: int) -> int:
    """How many samples of a problem run together best: one on the CPU, and all of them on other devices."""
    return 1 if device.type == "cpu" else samples
