"""Rows of tables by the names that users give."""

from collections.abc import Mapping
from typing import TypeVar

from invdiff.errors import InputError

T = TypeVar("T")


def named(table: Mapping[str, T], name: str, what: str) -> T:
    """The row of that name.

    Args:
        table: by name.
        name: as it was given.
        what: the table has, for the sentence, such as ``"mask"``.

    Raises:
        InputError: there is none; the sentence says which there are.
    """
    if name not in table:
        raise InputError(f"There is no {what} {name!r}; there are {', '.join(table)}.")
    return table[name]
