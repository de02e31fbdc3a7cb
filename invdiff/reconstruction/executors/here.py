"""Work in this process."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import partial

from invdiff.reconstruction.executors.executor import Progress, R, T, Work, unheard


@dataclass(frozen=True)
class Here:
    """One item after the other, in this process."""

    @property
    def workers(self) -> int:
        """One."""
        return 1

    def map(
        self, work: Work[T, R], items: Iterable[T], progress: Progress[T] | None = None
    ) -> Generator[tuple[T, R], None, None]:
        """Items with their results, in their order, as `Executor.map` says."""
        for item in items:
            report = unheard if progress is None else partial(progress, item)
            result = work(item, report)
            report(1.0)
            yield item, result
