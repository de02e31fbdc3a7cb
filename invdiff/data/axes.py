"""Names for the axes of an array, and the array with axes in this package's order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError

_STACKED = ("repetition", "frame", "contrast", "slice")
"""What has an image of its own at every position, the outermost first."""
AXES = (*_STACKED, "set", "coil", "y", "x", "average", "part")
"""Axes by name, in this package's order. ``y`` is the readout where it is known, ``set`` is of coil maps, ``part`` has
two positions, real and imaginary."""
ONE = "1"
"""An axis of length one that means nothing."""


@dataclass(frozen=True)
class Axes:
    """What the axes of an array are, the slowest first, as its shape gives them.

    Args:
        names: of `AXES`, or `ONE`; ``coil*part`` is an axis of both, the second of them the faster.

    Raises:
        InputError: there is no such name, one is there twice, or ``y`` or ``x`` is missing.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        parts = [part for name in self.names for part in name.split("*") if part != ONE]
        unknown = next((part for part in parts if part not in AXES), None)
        if unknown is not None:
            raise InputError(f"There is no axis {unknown!r}; there are {', '.join(AXES)}, and {ONE} for one to drop.")
        if len(set(parts)) < len(parts) or not {"y", "x"} <= set(parts):
            raise InputError(f"Axes are named once each, y and x among them, such as coil,y,x; not {self}.")
        if any("*" in name and not name.endswith("*part") and not name.startswith("part*") for name in self.names):
            raise InputError(f"One axis holds two where one of them is 'part', such as coil*part; not {self}.")

    @classmethod
    def parse(cls, axes: str | Sequence[str]) -> Self:
        """Of names, or of a text with commas between them.

        Raises:
            InputError: they are no axes.
        """
        names = axes.split(",") if isinstance(axes, str) else axes
        return cls(tuple(name.strip().lower() for name in names))

    def __str__(self) -> str:
        return ",".join(self.names)

    def fitted(self, shape: Sequence[int], what: str) -> Self:
        """The same for an array of this shape, which may have more axes of length one.

        Args:
            shape: of the array.
            what: it is, for the sentence.

        Raises:
            InputError: the array has another number of axes, or its length of ``part`` is not two.
        """
        names = list(self.names)
        if len(names) != len(shape):
            left = iter(names)
            names = [ONE if n == 1 else next(left, "") for n in shape]
            if "" in names or next(left, "") != "":
                raise InputError(
                    f"{what} has shape {tuple(shape)}, which the {len(self.names)} axes {self} do not fit."
                )
        for name, n in zip(names, shape, strict=True):
            if (name == "part" and n != 2) or ("*" in name and n % 2) or (name == ONE and n != 1):
                raise InputError(f"{what} has shape {tuple(shape)}, whose axis of {n} can't be {name!r} of {self}.")
        return type(self)(tuple(names))

    def stacked(self, shape: Sequence[int]) -> int:
        """How many images an array of this shape, which they fit, holds one behind the other."""
        return math.prod(n for name, n in zip(self.names, shape, strict=True) if name in _STACKED)

    def window(self, shape: Sequence[int], index: int) -> tuple[slice, ...]:
        """Where in an array of this shape one of the stacked images is."""
        outermost = sorted((name for name in self.names if name in _STACKED), key=_STACKED.index)
        lengths = [shape[self.names.index(name)] for name in outermost]
        found = dict(zip(outermost, np.unravel_index(index, lengths), strict=True)) if lengths else {}
        return tuple(
            slice(int(found[name]), int(found[name]) + 1) if name in found else slice(None) for name in self.names
        )

    def length(self, shape: Sequence[int], name: str) -> int:
        """Length of an axis in an array of this shape; one where there is no such axis."""
        for own, n in zip(self.names, shape, strict=True):
            if name in own.split("*"):
                return n // 2 if "*" in own else n
        return 1

    def arranged(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array ``(stacked, coil, y, x)``, or ``(stacked, set, coil, y, x)`` where there are sets.

        Real and imaginary parts become complex numbers, and averages their mean, position by position over what is not
        zero: averages of an interleaved scan have lines of their own.
        """
        names: list[str] = []
        for axis, name in reversed([*enumerate(self.names)]):
            two = name.split("*")
            if len(two) == 2:
                sides = (2, -1) if two[0] == "part" else (-1, 2)
                array = array.reshape(*array.shape[:axis], *sides, *array.shape[axis + 1 :])
            names = [*two, *names]
        if "part" in names:
            real, imaginary = np.moveaxis(array, names.index("part"), 0)
            array = (real + np.complex64(1j) * imaginary).astype(np.result_type(array.dtype, np.complex64))
            names.remove("part")
        if "average" in names:
            axis = names.index("average")
            array = array.sum(axis=axis) / np.maximum(np.count_nonzero(array, axis=axis), 1).astype(np.float32)
            names.remove("average")
        order = sorted(range(len(names)), key=lambda axis: AXES.index(names[axis]) if names[axis] != ONE else -1)
        array = array.transpose(order)
        lengths = dict(zip((names[axis] for axis in order), array.shape, strict=True))
        sets = [lengths["set"]] if "set" in lengths else []
        count = math.prod(lengths.get(name, 1) for name in _STACKED)
        return np.ascontiguousarray(array.reshape(count, *sets, lengths.get("coil", 1), lengths["y"], lengths["x"]))
