"""A file's slices as volumes that fit into memory: slabs of neighbours, each a problem."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.problem import Problem
from invdiff.reconstruction.draw import runs
from invdiff.reconstruction.stacked_slices import StackedSlices
from invdiff.reconstruction.units import Arrays, Problems

THICKNESS, MARGIN = 32, 4
"""Slices of a slab, at most, and more on each side that are reconstructed with them and left to the next slab."""


@dataclass(frozen=True, eq=False)
class Slabs:
    """Neighbouring slices as volumes: those that follow each other, in parts of nearly the same size.

    A slab is reconstructed with slices of its neighbours on both sides, so that its outermost slices are seen from both
    sides as the others are; these slices are then left out. So the memory is that of `THICKNESS` and twice `MARGIN`
    slices, however many the file has. It is numbered by its first slice.

    Attributes:
        slices: their problems one by one.
        thickness: slices of a slab, at most.
        margin: more on each side, where there are so many.
    """

    slices: Problems
    thickness: int = THICKNESS
    margin: int = MARGIN
    _turns: dict[int, Tensor | None] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def slabs(self) -> Mapping[int, range]:
        """The slices of each, by its number."""
        every = (part for run in self._runs for part in _parts(run, self.thickness))
        return {slab.start: slab for slab in every}

    @property
    def full(self) -> Sequence[int]:
        """The numbers of the slabs."""
        return tuple(self.slabs)

    def holding(self, number: int) -> int | None:
        """The number of the slab that a slice is in; None where it is in none."""
        return next((slab.start for slab in self.slabs.values() if number in slab), None)

    def problem(self, number: int) -> Problem:
        """The volume of a slab and its margins.

        Raises:
            InputError: it is a single slice, without a neighbour.
        """
        seen = self._seen(number)
        if len(seen) == 1:
            raise InputError(
                f"Slice {number} has no neighbour that holds anything, so there is no volume to look at from other "
                "sides; leave alternating-planes out."
            )
        volume = StackedSlices.of([self.slices.problem(each) for each in seen])
        self._turns[number] = volume.turns
        return volume.problem

    def fingerprint(self, number: int) -> str:
        """What decides it."""
        return digest_of(self.slabs[number], [self.slices.fingerprint(each) for each in self._seen(number)])

    def one_image(self, images: NDArray[np.inexact], number: int) -> NDArray[np.inexact]:
        """The slices of a slab, ``(samples, D, H, W)``, each as its own problem has it."""
        if number not in self._turns:
            self.problem(number)
        turns = self._turns[number]
        slab, seen = self.slabs[number], self._seen(number)
        whole = images if turns is None else images * turns.conj().resolve_conj().numpy()
        return whole[:, slab.start - seen.start : slab.stop - seen.start]

    def beside(self, number: int) -> Arrays:
        """What is kept with each of its slices, one after the other."""
        every = [self.slices.beside(each) for each in self.slabs[number]]
        return {name: np.stack([one[name] for one in every]) for name in every[0]}

    @cached_property
    def _runs(self) -> list[range]:
        return runs(self.slices.full, len(self.slices.full))

    def _seen(self, number: int) -> range:
        """The slices of a slab and of its margins."""
        slab = self.slabs[number]
        run = next(run for run in self._runs if number in run)
        return range(max(run.start, slab.start - self.margin), min(run.stop, slab.stop + self.margin))


def _parts(run: range, most: int) -> list[range]:
    """A range in as few parts of at most so many numbers as it takes, of nearly the same size."""
    count = -(-len(run) // most)
    ends = [run.start + len(run) * part // count for part in range(count + 1)]
    return [range(start, stop) for start, stop in pairwise(ends)]
