"""Pages that take the place of pages of the same alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from invdiff.errors import InputError
from invdiff.files.atomic import atomic

_MARK = '<meta name="generator" content="invdiff">'
_OF = '<meta name="invdiff-of" content="{of}">'


def check_own(path: Path) -> None:
    """Raise ``InputError`` where a file has that name that is no page of this package."""
    if path.exists() and _MARK not in _beginning(path):
        raise InputError(f"{path} is there, and is no report of invdiff; move it, or choose another folder.")


@contextmanager
def own_file(path: Path, of: str = "", *, replace: bool = False) -> Iterator[IO[str]]:
    """A page to be written, which appears whole or not at all.

    Args:
        path: of the page.
        of: what it shows, as the page itself says it.
        replace: whether a page of this package that shows something else may be replaced.

    Raises:
        InputError: there is a file of that name that is no page of this package, or shows something else; or it can't
            be written.
    """
    check_own(path)
    if path.exists() and not replace and _OF.format(of=of) not in _beginning(path):
        raise InputError(f"{path} is the report of another result; move it, or replace it with --force.")
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        yield file


def _beginning(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(1000).decode(errors="replace")
    except OSError:
        return ""
