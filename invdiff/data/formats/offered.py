"""What other packages offer, by entry points."""

from importlib.metadata import entry_points
from typing import TypeVar

from invdiff.errors import InputError

T = TypeVar("T")


def offered_in(group: str, kind: type[T]) -> list[T]:
    """What the entry points of a group give.

    Raises:
        InputError: one gives something of another kind.
    """
    found = []
    for point in entry_points(group=group):
        made = point.load()
        if not isinstance(made, kind):
            raise InputError(f"The entry point '{point.name}' of {group} is {made!r}; it must be a {kind.__name__}.")
        found.append(made)
    return found
