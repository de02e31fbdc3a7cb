"""What other packages offer, by entry points."""

from importlib.metadata import entry_points
from typing import TypeVar

from invdiff.errors import InputError

T = TypeVar("T")


def offered_in(group: str, kind: type[T]) -> list[T]:
    """What the entry points of a group give.

    Raises:
        InputError: one can't be loaded, or gives something of another kind.
    """
    found = []
    for point in entry_points(group=group):
        try:
            made = point.load()
        except Exception as error:  # a package may raise anything
            whose = "" if point.dist is None else f" ({point.dist.name} {point.dist.version})"
            raise InputError(
                f"The entry point '{point.name}' of {group}{whose} can't be loaded: {type(error).__name__}: "
                f"{str(error).rstrip('.')}. Repair or uninstall its package."
            ) from error
        if not isinstance(made, kind):
            raise InputError(f"The entry point '{point.name}' of {group} is {made!r}; it must be a {kind.__name__}.")
        found.append(made)
    return found
