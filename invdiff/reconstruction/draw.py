"""Draw every sample once: what is finished is kept, so that an interrupted run goes on where it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from invdiff.data.scan import evenly_spaced
from invdiff.diffusion import Sampler
from invdiff.diffusion.bound import check_samples
from invdiff.errors import InputError
from invdiff.priors import Prior
from invdiff.reconstruction.executors import Executor, Here
from invdiff.reconstruction.store import Store
from invdiff.reconstruction.tally import Tally
from invdiff.reconstruction.units import Drawing, Unit

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Shard:
    """One part of a study that several jobs share: ``index`` of ``count``, from one.

    Raises:
        InputError: there is no such part.
    """

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise InputError(
                f"--shard I/N is part I of N, from 1/N to N/N, such as 3/16, and not {self.index}/{self.count}."
            )

    def holds(self, position: int) -> bool:
        """Whether the part has what stands at a position of the study."""
        return position % self.count == self.index - 1


WHOLE = Shard()
HERE = Here()


def draw(
    drawing: Drawing,
    store: Store,
    samples: int,
    *,
    executor: Executor = HERE,
    shard: Shard = WHOLE,
    position: int = 0,
    progress: Progress | None = None,
) -> dict[int, str]:
    """Draw what the store lacks, and put it there.

    Args:
        drawing: of which problems, and how.
        store: of finished samples.
        samples: how many for each problem.
        executor: where to compute.
        shard: the part of the study that this process draws.
        position: of the first problem in the study, which tells shards apart.
        progress: called with (done, in all).

    Returns:
        why there is nothing of a problem, by its number: its run diverged, or it could not be made.

    Raises:
        InputError: ``samples`` is not positive, parts do not fit, or the store can't be written to.
    """
    check_samples(samples)
    cases = [case for k, case in enumerate(drawing.problems.full) if shard.holds(position + k)]
    keys = {case: drawing.key(case) for case in cases}
    lacking = outstanding(store, keys, samples)
    if not lacking:
        return {}
    _check(drawing, next(iter(lacking)))
    total = len(cases) * samples
    finished = total - sum(map(len, lacking.values()))
    report = Tally[Unit](total, progress, finished=finished, weigh=lambda unit: len(unit.samples))
    failures: dict[int, str] = {}

    def units() -> Iterator[Unit]:
        for unit in units_of(lacking, drawing, samples, executor):
            if unit.case not in failures:
                yield unit

    with closing(executor.map(drawing, units(), report)) as results:
        for unit, drawn in results:
            if drawn.failure:
                failures[unit.case] = drawn.failure
            else:
                store.put(unit, keys[unit.case], drawn)
    return failures


def _check(drawing: Drawing, first: int) -> None:
    """Refuse, before the first network call, parts that fit neither the first problem nor any of eight evenly spaced
    ones; where one can be made, another that can't stops nobody.

    Raises:
        InputError: as of the first.
    """
    full = drawing.problems.full
    spread = [full[k] for k in evenly_spaced(len(full))]
    refusals: list[InputError] = []
    for case in dict.fromkeys([first, *spread]):
        try:
            drawing.bound(case)
            return
        except InputError as error:
            refusals.append(error)
    raise refusals[0]


def outstanding(store: Store, keys: Mapping[int, str], samples: int) -> dict[int, list[int]]:
    """The indices of samples that a store lacks, by their cases; ``keys`` are the cases' own."""
    lacking = {case: [i for i in range(samples) if not store.has(case, i, key)] for case, key in keys.items()}
    return {case: indices for case, indices in lacking.items() if indices}


def units_of(
    lacking: Mapping[int, Sequence[int]], drawing: Drawing, samples: int, executor: Executor
) -> Iterator[Unit]:
    """Samples that are lacking, as units: all of a case in one where there are cases enough for the workers."""
    chunk = samples if 1 < executor.workers <= len(lacking) else drawing.side_by_side(samples)
    return (Unit(case, part) for case, indices in lacking.items() for part in runs(indices, chunk))


def runs(indices: Sequence[int], most: int) -> list[range]:
    """Ascending numbers as ranges without gaps, of ``most`` numbers each at most."""
    found: list[range] = []
    for index in indices:
        if found and found[-1].stop == index and len(found[-1]) < most:
            found[-1] = range(found[-1].start, index + 1)
        else:
            found.append(range(index, index + 1))
    return found


def provenance(sampler: Sampler, prior: Prior, seed: int) -> dict[str, Any]:
    """How samples were drawn, to record with them."""
    versions = {f"{name}_version": version(name) for name in ("invdiff", "torch", "numpy")}
    said = {"seed": seed, "sampler": repr(sampler), "nfe": sampler.nfe, "precision": prior.precision}
    return {**said, "citations": "\n".join(map(str, sampler.citations())), **versions}
