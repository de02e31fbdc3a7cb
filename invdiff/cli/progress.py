"""A progress bar with the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from invdiff.printable import printable


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A function that is told (done, total) and keeps a bar on standard error up to date."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    times = TimeElapsedColumn(), TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("left")
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        *times,
    )
    bar = Progress(*columns, console=Console(stderr=True))
    task = bar.add_task(printable(title), total=None)

    def report(done: int, total: int) -> None:
        bar.start()  # at the first report, so that input which is refused before leaves no bar behind
        bar.update(task, completed=done, total=total)

    try:
        yield report
    finally:
        if bar.live.is_started:
            bar.stop()
