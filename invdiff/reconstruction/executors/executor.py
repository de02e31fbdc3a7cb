"""The one question that is asked of every place of computing."""

from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Report = Callable[[float], None]
"""Told the share of an item that is done, from 0 to 1."""

Progress = Callable[[T, float], None]
"""Told an item, and the share of it that is done."""

Work = Callable[[T, Report], R]
"""The result of an item. Each item is independent of all others."""


class Executor(Protocol):
    """A place where work is computed, an item at a time for each of its workers."""

    @property
    def workers(self) -> int:
        """How many items are computed at a time."""
        ...

    def map(
        self, work: Work[T, R], items: Iterable[T], progress: Progress[T] | None = None
    ) -> Generator[tuple[T, R], None, None]:
        """Items with their results, as they finish.

        Args:
            work: the result of an item. Where it is computed in other processes it is pickled, once, and its reports
                are not heard.
            items: taken as they are needed, at most two for each worker ahead of the results.
            progress: called in this process, with 1.0 when an item is done.

        Returns:
            A generator in any order. Closing it, as `contextlib.closing` does, ends what is still being computed.

        Raises:
            InputError: ``work`` raises it, as it does all other errors; or it can't be sent, or a worker is lost.
        """
        ...


def unheard(share: float) -> None:
    """Take a report that nobody asked for."""
