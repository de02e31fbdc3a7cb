"""A progress bar with the time left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import escape

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
    with _bar_in_a_cell(printable(title)) as report:
        yield report


@contextmanager
def _bar_in_a_cell(title: str) -> Iterator[Progress]:
    """A bar in the output of a cell, which goes once all is done: that of rich would stay, and ask for ipywidgets."""
    from IPython.display import display

    def shown(words: str, bar: str) -> dict[str, str]:
        return {"text/plain": words, "text/html": f"{bar} {escape(words)}" if words else ""}

    begun = time.monotonic()
    place = display(shown("", ""), raw=True, display_id=True)

    def report(done: int, total: int) -> None:
        left = timedelta(seconds=round((time.monotonic() - begun) * (total - done) / max(done, 1)))
        bar = f"<progress max='{total}' value='{done}'></progress>"
        place.update(shown(f"{title}: {done} of {total}, {left} left", bar), raw=True)

    try:
        yield report
    finally:
        place.update(shown("", ""), raw=True)
