"""What is drawn of every slice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from invdiff.diffusion import Record, Sampler
from invdiff.priors import Prior
from invdiff.reconstruction.slabs import Slabs
from invdiff.reconstruction.store import Finished, Store, samples_of
from invdiff.reconstruction.units import Drawing, Problems


@dataclass(frozen=True)
class Stage:
    """What is drawn of every slice.

    Attributes:
        drawing: how.
        samples: how many.
    """

    drawing: Drawing
    samples: int

    def of(self, problems: Problems) -> Self:
        """The same of what is shown of the slices; of the course of its runs nothing is kept."""
        return replace(self, drawing=replace(self.drawing, problems=problems, record=Record()))

    @property
    def slice_by_slice(self) -> Problems:
        """The problems of single slices."""
        return self.drawing.problems

    def slices(self, problem: int) -> Sequence[int]:
        """The numbers of the slices that one of the drawing's problems is of."""
        return (problem,)

    def is_there(self, store: Store, number: int) -> bool:
        """Whether a store has all samples of a slice."""
        problem = self._problem_of(number)
        if problem is None:
            return False
        key = self.drawing.key(problem)
        return all(store.has(problem, sample, key) for sample in range(self.samples))

    def found(self, store: Store, number: int) -> Finished:
        """The samples of a slice, and what was kept beside them; of several slices in one run, the run's course.

        Raises:
            InputError: one is not there.
        """
        problem = self._problem_of(number)
        assert problem is not None
        return samples_of(store, problem, self.drawing.key(problem), range(self.samples))

    def _problem_of(self, number: int) -> int | None:
        """The number of the problem that a slice is in; None where it is in none."""
        return number if number in self.drawing.problems.full else None


@dataclass(frozen=True)
class SlabStage(Stage):
    """What is drawn of every slice, with its neighbours: slab by slab, of which the drawing's problems are."""

    def of(self, problems: Problems) -> Self:
        """The same of what is shown of the slices; of the course of its runs nothing is kept."""
        return super().of(replace(self._slabs, slices=problems))

    @property
    def slice_by_slice(self) -> Problems:
        """The problems of single slices, of which slabs are made."""
        return self._slabs.slices

    def slices(self, problem: int) -> Sequence[int]:
        """The numbers of a slab's slices."""
        return self._slabs.slabs[problem]

    def found(self, store: Store, number: int) -> Finished:
        """The samples of a slice, and what was kept beside them; of several slices in one run, the run's course.

        Raises:
            InputError: one is not there.
        """
        slab = super().found(store, number)
        place = next(part.index(number) for part in self._slabs.slabs.values() if number in part)
        beside = {name: array[place] if array.ndim else array for name, array in slab.beside.items()}
        return slab._replace(images=slab.images[:, place], beside=beside)

    def _problem_of(self, number: int) -> int | None:
        return self._slabs.holding(number)

    @property
    def _slabs(self) -> Slabs:
        assert isinstance(self.drawing.problems, Slabs)
        return self.drawing.problems


def stage_of(
    slices: Problems, sampler: Sampler, prior: Prior, samples: int, *, seed: int = 0, device: str | None = None
) -> Stage:
    """What a sampler draws of slices: one by one, or slab by slab where a part of it needs volumes.

    Args:
        slices: their problems.
        sampler: the method.
        prior: what images look like.
        samples: how many of each.
        seed: of the random numbers.
        device: as of `Drawing`.
    """
    drawing = Drawing(slices, sampler, prior, seed, device)
    if any("volume" in part.needs for part in sampler.parts):
        return SlabStage(replace(drawing, problems=Slabs(slices)), samples)
    return Stage(drawing, samples)
