"""What drawing will take, before it begins."""

from dataclasses import dataclass, field

from invdiff.reconstruction.draw import HERE, WHOLE, Shard, outstanding, units_of
from invdiff.reconstruction.executors import Executor
from invdiff.reconstruction.store import MemoryStore, Store
from invdiff.reconstruction.trial import Cost, Measure, measured
from invdiff.reconstruction.units import Drawing, Unit


@dataclass(frozen=True)
class Forecast:
    """What is left to do.

    Attributes:
        cases: numbers of the slices that are not finished.
        units: units of work.
        network_calls: of all samples.
        seconds: on the machine where it was measured, for all workers together.
        peak_bytes: of one process; zero where there is nothing to do, or the system does not tell.
    """

    cases: frozenset[int] = frozenset()
    units: int = 0
    network_calls: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0

    def __add__(self, other: "Forecast") -> "Forecast":
        """One after the other, of the same slices."""
        return Forecast(
            self.cases | other.cases,
            self.units + other.units,
            self.network_calls + other.network_calls,
            self.seconds + other.seconds,
            max(self.peak_bytes, other.peak_bytes),
        )


@dataclass(frozen=True)
class MeasuredOnce:
    """Costs of what is alike in all but its sampler, as files of one kind are: each sampler is measured once."""

    _known: dict[tuple[str, int], Cost] = field(default_factory=dict)

    def __call__(self, drawing: Drawing, unit: Unit, executor: Executor) -> Cost:
        """The cost of a unit, or of one like it that was measured before."""
        like = repr(drawing.sampler), len(unit.samples)
        if like not in self._known:
            self._known[like] = measured(drawing, unit, executor)
        return self._known[like]


def forecast(
    drawing: Drawing,
    samples: int,
    *,
    store: Store | None = None,
    executor: Executor = HERE,
    shard: Shard = WHOLE,
    position: int = 0,
    measure: Measure = measured,
) -> Forecast:
    """What `draw` of the same will take, from a trial of one run: some iterations of its loop, spread over its levels.

    Workers are taken not to slow each other down more than by the threads that they share.

    Args:
        drawing: of which problems, and how.
        samples: how many for each problem.
        store: of finished samples, which cost nothing; None: nothing is finished.
        executor: where it will be computed, and where the trial is.
        shard: the part of the study that this process draws.
        position: of the first problem in the study.
        measure: the trial.

    Raises:
        InputError: parts do not fit.
    """
    keys = {case: drawing.key(case) for k, case in enumerate(drawing.problems.full) if shard.holds(position + k)}
    lacking = outstanding(store or MemoryStore(), keys, samples)
    if not lacking:
        return Forecast()
    units = [*units_of(lacking, drawing, samples, executor)]
    middle = units[len(units) // 2]  # the first slices are prepared already, and outer ones hold less
    run = Unit(middle.case, middle.samples[: drawing.side_by_side(len(middle.samples))])
    cost = measure(drawing, run, executor)
    drawn = sum(len(unit.samples) for unit in units)
    bound = len(lacking) if executor.workers == 1 else len(units)
    whole = bound * cost.case_seconds + drawn * cost.run_seconds / len(run.samples)
    rounds = -(-len(units) // executor.workers)
    return Forecast(
        cases=frozenset(lacking),
        units=len(units),
        network_calls=drawn * cost.network_calls,
        seconds=rounds * whole / len(units),
        peak_bytes=cost.peak_bytes,
    )
