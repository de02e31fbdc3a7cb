"""What a command says, and where: to a person, to a program, or to nobody."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from invdiff.printable import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

    from invdiff.reconstruction import Cases

Report = Callable[[int, int], None]

WRONG = 1
"""Exit status where what was judged is not right."""

SOME_FAILED = 3
"""Exit status where a part of what was asked for is missing, and the rest is there."""


def tell(line: str, *, aside: bool = False) -> None:
    """Print a line, which may quote files and names, on standard output; ``aside`` on standard error."""
    print(printable(line), file=sys.stderr if aside else sys.stdout, flush=True)


def tell_kept(what: str) -> None:
    """Say, after an interrupt, what there is to go on from."""
    tell(f"invdiff: {what}; the same command goes on from there.", aside=True)


@dataclass(frozen=True)
class Output:
    """Where a command's words go.

    Args:
        json: one machine-readable document goes to standard output at the end, and all else to standard error.
        quiet: nothing is said but warnings and errors.
        piped: images go to standard output, all that is said to standard error, and files are of no interest.
    """

    json: bool = False
    quiet: bool = False
    piped: bool = False

    @property
    def _aside(self) -> bool:
        return self.json or self.piped

    def say(self, line: str) -> None:
        """Tell a person what happened."""
        if not self.quiet:
            tell(line, aside=self._aside)

    def describe(self, cases: "Cases") -> None:
        """Tell what is reconstructed, and what was found out about it."""
        self.say(cases.description)
        if cases.preparation is not None:
            for line in cases.preparation.report:
                self.say(line)
            for warning in cases.preparation.warnings:
                self.warn(warning)

    def wrote(self, line: str) -> None:
        """Tell a person which files there are."""
        if not self.piped:
            self.say(line)

    def show(self, table: Any) -> None:
        """Print a rich table."""
        from rich.console import Console

        if not self.quiet:
            Console(stderr=self._aside).print(_Printable(table))

    def warn(self, line: str) -> None:
        """Tell what went wrong, whoever listens."""
        tell(f"warning: {line}", aside=True)

    @contextmanager
    def progress(self, title: str) -> Iterator[Report]:
        """A bar with the time left on standard error."""
        if self.quiet:
            yield lambda done, total: None
            return
        from invdiff.pictures.progress_bar import progress_bar

        with progress_bar(title) as report:
            yield report

    def finish(self, document: Mapping[str, Any]) -> None:
        """Print the document where a program waits for it."""
        if self.json:
            print(json.dumps(document, indent=1, default=_plain))


@dataclass(frozen=True)
class _Printable:
    """A rich renderable whose text, which may quote files and names, is fit for a terminal."""

    content: Any

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> Iterator["Segment"]:
        for segment in console.render(self.content, options):
            yield segment._replace(text=printable(segment.text))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
