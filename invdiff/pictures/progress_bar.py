"""A progress bar with the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from invdiff.notebook import is_notebook
from invdiff.printable import printable

Progress = Callable[[int, int], None]


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
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


@contextmanager
def shown_in_notebooks(progress: Progress | None, title: str) -> Iterator[Progress | None]:
    """What was asked to be told of the progress; where nothing was, a bar in a notebook, and nothing elsewhere."""
    if progress is not None or not is_notebook():
        yield progress
        return
    with progress_bar(title) as report:
        yield report
