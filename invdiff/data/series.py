"""Which measurement of several that are in one file: where the loops of the sequence around an image stand."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from invdiff.errors import InputError

_LISTED = 8  # measurements that a sentence names


@dataclass(frozen=True)
class Series:
    """A measurement by what tells it from the others of its file, or from none, where a file holds one alone.

    Loops are those of ISMRMRD (Inati et al., Magnetic Resonance in Medicine 77, 2017). Averages and segments are parts
    of one image.

    Args:
        group: of the file, by name.
        contrast: number of the echo.
        repetition: number of the time point.
        phase: number of the cardiac phase.
        set: number within a loop of the sequence's own, such as flow encodings.
    """

    group: str | None = None
    contrast: int | None = None
    repetition: int | None = None
    phase: int | None = None
    set: int | None = None

    @property
    def said(self) -> dict[str, str | int]:
        """What is known of it."""
        known: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in known.items() if value is not None}

    @property
    def name(self) -> str:
        """For people: ``"contrast 1, repetition 0"``."""
        return ", ".join(f"{name} {value}" for name, value in self.said.items())

    @property
    def label(self) -> str:
        """For names of folders: ``"contrast-1-repetition-0"``."""
        return re.sub(r"[^\w.-]", "_", "-".join(f"{name}-{value}" for name, value in self.said.items()))

    def of_file(self, name: str) -> str:
        """The measurement of a file for people: ``"scan.h5, contrast 1"``."""
        return f"{name}, {self.name}" if self.said else name

    @property
    def options(self) -> str:
        """How the command line takes it: ``"--contrast 1 --repetition 0"``."""
        return " ".join(f"{OPTIONS[name]} {value}" for name, value in self.said.items())

    def holds(self, other: "Series") -> bool:
        """Whether all that is said of this is true of another."""
        return self.said.items() <= other.said.items()

    def one_of(self, held: Sequence["Series"], where: str) -> "Series":
        """The one measurement of those in a file that this holds.

        Args:
            held: all that the file has.
            where: the file, for the sentence.

        Raises:
            InputError: there is none, or several.
        """
        found = [one for one in held if self.holds(one)]
        if len(found) == 1:
            return found[0]
        if not held:
            raise InputError(f"{where} holds no line of an image.")
        if found:
            some = told_apart(found)
            raise InputError(f"{where} holds {_listed(some)}; choose one of them, such as {some[0].options}.")
        there = held[0].of(self.said) if len(held) == 1 else SINGLE
        known = there.name or _listed(told_apart(held)) or "one measurement, which has no such number"
        raise InputError(f"{where} holds no {self.name}; it holds {known}.")

    def of(self, names: Collection[str]) -> Self:
        """The same, of which nothing but these fields is said."""
        unsaid: dict[str, Any] = {name: None for name in self.said if name not in names}
        return replace(self, **unsaid)


def told_apart(series: Sequence[Series]) -> tuple[Series, ...]:
    """The same measurements, each by what differs among them alone."""
    names = [field.name for field in fields(Series)]
    differing = [name for name in names if len({getattr(one, name) for one in series}) > 1]
    return tuple(one.of(differing) for one in series)


SINGLE = Series()
"""The measurement of a file that holds one alone."""

OPTIONS = {
    "group": "--group",
    "contrast": "--contrast",
    "repetition": "--repetition",
    "phase": "--phase",
    "set": "--set-number",  # --set gives parameters
}
"""Options of the command line by the fields of a series."""


def _listed(series: Sequence[Series]) -> str:
    names = [one.name for one in series]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return "; ".join(names[:_LISTED]) + more
