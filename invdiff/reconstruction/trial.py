"""What a sample costs, by doing a part of it: time and memory of a few iterations of the real loop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from invdiff.diffusion import Context, State
from invdiff.reconstruction.executors.executor import Executor, Report
from invdiff.reconstruction.peak_memory import peak_memory
from invdiff.reconstruction.units import Drawing, Unit


@dataclass(frozen=True)
class Cost:
    """Time and memory of samples of one case.

    Attributes:
        case_seconds: to make the problem and bind the sampler to it, once a case.
        run_seconds: of a run of samples side by side, from its start to their images.
        network_calls: for each sample.
        peak_bytes: the most that the process has taken so far, this included.
    """

    case_seconds: float
    run_seconds: float
    network_calls: int
    peak_bytes: int


@dataclass(frozen=True)
class Trial:
    """A unit's cost, measured where an executor computes it.

    After a first iteration, which warms up, it does single iterations in the middle of equal parts of the run, so that
    high noise and low, where linear systems take different numbers of iterations, are both seen. Each begins at the
    zero-filled image with the noise of its level.

    Args:
        drawing: what would be drawn.
        iterations: how many are timed, at most.
        clock: tells seconds.
    """

    drawing: Drawing
    iterations: int = 4
    clock: Callable[[], float] = time.perf_counter

    @torch.no_grad()
    def __call__(self, unit: Unit, report: Report) -> Cost:
        """The cost of a run of the unit's samples side by side.

        Raises:
            InputError: parts do not fit, or the run diverges.
        """
        drawing = self.drawing
        device = drawing.place
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        lap = _Laps(self.clock, device)
        bound = drawing.bound(unit.case)
        case_seconds = lap()
        run = bound.run(unit.samples, seed=drawing.seed, case=unit.case)
        states = run.states()
        state = next(states)
        run_seconds = lap()
        first, last = state.k, bound.levels.steps
        state = next(states, state)
        levels = spread(first, last, self.iterations)
        lap()
        for number, k in enumerate(levels):
            states = run.states(resume=State(_noised(run, state.x, k), k))
            next(states)
            lap()
            state = next(states)
            run_seconds += lap() * (last - first) / len(levels)
            report((number + 1) / len(levels))
        lap()
        *_, state = run.states(resume=State(state.x, last))
        drawing.problems.one_image(bound.sampler.view.image(state.x, bound.problem).cpu().numpy(), unit.case)
        drawing.problems.beside(unit.case)
        run_seconds += lap()
        return Cost(case_seconds, run_seconds, bound.network_calls, peak_memory(device))


Measure = Callable[[Drawing, Unit, Executor], Cost]
"""The cost of a unit where an executor computes it."""


def measured(drawing: Drawing, unit: Unit, executor: Executor) -> Cost:
    """The cost of a unit, tried where the executor computes it.

    Raises:
        InputError: as `Trial`, or a worker is lost.
    """
    ((_, cost),) = executor.map(Trial(drawing), [unit])
    return cost


def measured_memory(drawing: Drawing, unit: Unit, executor: Executor) -> Cost:
    """The same by the first iteration alone, which tells the memory, and no more of the time than that of the ends.

    Raises:
        InputError: as `measured`.
    """
    ((_, cost),) = executor.map(Trial(drawing, iterations=0), [unit])
    return cost


def counted(drawing: Drawing, unit: Unit, executor: Executor) -> Cost:
    """The network calls of a unit alone, which take nothing to tell."""
    return Cost(0.0, 0.0, drawing.sampler.nfe, 0)


def spread(first: int, end: int, most: int) -> list[int]:
    """The middles of ``most`` equal parts of the whole numbers from ``first`` to before ``end``; all where there are no
    more. Mirrored they are the same, so that their mean is that of all, but for one in the very middle."""
    count = min(most, end - first)
    whole = (first + end - 1) / 2
    middles = [first - 0.5 + (number + 0.5) * (end - first) / count for number in range(count)]
    return [math.floor(middle + 0.5) if middle < whole else math.ceil(middle - 0.5) for middle in middles]


@dataclass
class _Laps:
    """A stopwatch that waits for the device."""

    clock: Callable[[], float]
    device: torch.device

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def __call__(self) -> float:
        """Seconds since the last call."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        begun, self._begun = self._begun, self.clock()
        return self._begun - begun


def _noised(run: Context, x: Tensor, k: int) -> Tensor:
    """A state that a run could have at level ``k``, of the shape and kind of ``x``."""
    run.noise.rewind(k)
    image = run.adjoint_y if x.is_complex() else run.adjoint_y.real
    return run.levels.alpha[k] * image.to(x.dtype) + run.levels.beta[k] * run.noise.like(x)
