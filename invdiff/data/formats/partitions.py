"""Three-dimensional k-space of lines along the readout, as acquisitions come, each with two phase encodings."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from invdiff.data.volume import Part


class Source(Hashable, Protocol):
    """Acquisitions that can be gone through again. Sources that are equal give the same, also in another process."""

    def opened(self) -> AbstractContextManager[Sequence[Any]]:
        """The acquisitions, as objects of the library ``ismrmrd``; their samples are read when they are asked for."""


class Matrix(Hashable, Protocol):
    """Where lines belong."""

    def place(self, line: Any) -> tuple[slice, int]:
        """Where a line's samples belong along the readout, and which line of the matrix it is."""

    def samples(self, line: Any) -> NDArray[np.complex64]:
        """The samples of a line that count, ``(coils, n)``."""


@dataclass(frozen=True, eq=False)
class InMemory:
    """Acquisitions at hand."""

    acquisitions: Sequence[Any]

    @contextmanager
    def opened(self) -> Iterator[Sequence[Any]]:
        """They themselves."""
        yield self.acquisitions


@dataclass(frozen=True)
class Partitions:
    """The lines of a three-dimensional scan: `invdiff.data.volume.Samples` whose slices lie along the readout.

    Attributes:
        path: of the file, absolute.
        shape: coils, samples of a line, lines, partitions.
        source: of the acquisitions.
        matrix: where they belong.
        numbers: of those that are lines of the image, int ``(n,)``.
        columns: the partition of each, int ``(n,)``.
        weights: of each, which add up to one for lines of one place, ``(n,)``.
    """

    path: Path
    shape: tuple[int, int, int, int]
    source: Source
    matrix: Matrix
    numbers: NDArray[np.int32] = field(repr=False, compare=False)
    columns: NDArray[np.int32] = field(repr=False, compare=False)
    weights: NDArray[np.float32] = field(repr=False, compare=False)

    @property
    def axes(self) -> tuple[str]:
        """The readout."""
        return ("the readout",)

    def parts(self, along: int) -> Iterator[Part]:
        """Line by line; ``along`` is zero, the readout."""
        coils, width, _, _ = self.shape
        with self.source.opened() as acquisitions:
            for number, column, weight in zip(self.numbers, self.columns, self.weights, strict=True):
                line = acquisitions[number]
                where, row = self.matrix.place(line)
                samples = np.zeros((width, coils, 1, 1), np.complex64)
                with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is refused
                    samples[where, :, 0, 0] = weight * self.matrix.samples(line).T
                yield Part(samples, (slice(0, coils), slice(row, row + 1), slice(column, column + 1)))
