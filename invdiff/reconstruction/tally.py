"""Progress of many items at once."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

PARTS = 1000
"""Of an item of weight one, in reports of progress."""


class Tally(Generic[T]):
    """Adds up the shares of items that are done, each as it changes.

    Args:
        total: weight of all items.
        finished: weight of those that were done before.
        weigh: the weight of an item.
        progress: called with (done, in all), in parts.
    """

    def __init__(
        self,
        total: int,
        progress: Callable[[int, int], None] | None,
        *,
        finished: int = 0,
        weigh: Callable[[T], int] = lambda item: 1,
    ) -> None:
        self._total, self._done, self._weigh, self._progress = total * PARTS, finished * PARTS, weigh, progress
        self._underway: dict[T, int] = {}

    def __call__(self, item: T, share: float) -> None:
        """Take a report of an item."""
        now = int(share * self._weigh(item) * PARTS)
        self._done += now - self._underway.get(item, 0)
        self._underway[item] = now
        if self._progress is not None:
            self._progress(self._done, self._total)
