"""Pages that take the place of pages alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from invdiff.errors import InputError
from invdiff.files.atomic import atomic

_MARK = b'<meta name="generator" content="invdiff">'


def check_own(path: Path) -> None:
    """Raise ``InputError`` where a file has that name that is no page of this package."""
    if path.exists() and not _is_own(path):
        raise InputError(f"{path} is there, and is no report of invdiff; move it, or choose another folder.")


@contextmanager
def own_file(path: Path) -> Iterator[IO[str]]:
    """A page to be written, which appears whole or not at all.

    Raises:
        InputError: there is a file of that name that is no page of this package, or it can't be written.
    """
    check_own(path)
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        yield file


def _is_own(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK in file.read(1000)
    except OSError:
        return False
