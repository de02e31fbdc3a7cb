"""What a file holds by name, whatever its format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.axis_order import Stored
from invdiff.errors import InputError

USUAL: tuple[str, ...] = ("slice", "set", "coil", "y", "x")
"""Order of axes in most files, the slowest first."""
FASTEST_FIRST: tuple[str, ...] = ("y", "x", "coil", "set", "slice")
"""Order of axes where the first is the fastest: MATLAB, BART."""


@dataclass(frozen=True)
class Turned:
    """An array whose axes stand in the opposite order."""

    stored: Stored

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return tuple(self.stored.shape[::-1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its numbers."""
        return self.stored.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """The numbers at these places."""
        index = key if isinstance(key, tuple) else (key,)
        rest = (slice(None),) * (len(self.shape) - len(index))
        return self.stored[(*index, *rest)[::-1] if key != () else ()].T


@dataclass(frozen=True)
class Contents:
    """Arrays and texts of a file that is open, by name; all raise ``InputError``, and nothing else, at damage.

    Args:
        names: of all arrays, and perhaps of what is none; a file of one array without a name gives it the name ``""``.
        find: the array of that name, whose numbers may be read later; ``None`` where there is none.
        text: the text of that name.
        attributes: whatever else the file says.
        order: of axes where shapes allow several, the slowest first.
    """

    names: Sequence[str]
    find: Callable[[str], Stored | None]
    text: Callable[[str], str | None] = lambda name: None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[str, ...] = USUAL

    @property
    def described(self) -> list[str]:
        """The arrays with their shapes, in words; also those that are damaged."""
        return [
            f"{name} {'(damaged)' if found is None else tuple(found.shape)}" for name, found in self._looked_up.items()
        ]

    @property
    def arrays(self) -> dict[str, Stored]:
        """All arrays that can be read."""
        return {name: found for name, found in self._looked_up.items() if found is not None}

    @property
    def _looked_up(self) -> dict[str, Stored | None]:
        """What is an array, or ``None`` in the place of one that can't be read."""
        found: dict[str, Stored | None] = {}
        for name in self.names:
            try:
                stored = self.find(name)
            except InputError:  # one that is not asked for may hold anything
                found[name] = None
                continue
            if stored is not None:
                found[name] = stored
        return found
