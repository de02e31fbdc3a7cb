"""What a number may be, said once, as metadata of its type: refusals, tables, searches and tests are made from it."""

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from invdiff.errors import InputError

SMALLEST, LARGEST = 1e-15, 1e15
"""Numbers to compute with: single precision holds their squares and the inverses of these."""

BELOW_ONE = math.nextafter(1, 0)
"""The largest number below one."""


@dataclass(frozen=True)
class Within:
    """The bounds of a parameter, both of which belong to it, and what it is:
    ``eta: Annotated[float, Within(0, 1, "share of fresh noise")]``.

    Attributes:
        low: the lowest value.
        high: the highest value.
        meaning: what the parameter is, as it follows "is the".
        usual: between what it usually lies, and is searched where no other bounds are said; ``None``: nobody knows.
        log: whether equal ratios of it count as equal steps.
        weighs_data: whether it says how much the data count, which is what a search is for where nothing is said.
    """

    low: float
    high: float
    meaning: str
    usual: tuple[float, float] | None = None
    log: bool = False
    weighs_data: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    @property
    def span(self) -> str:
        """The bounds in words."""
        return f"at least {self.low:g}" if self.high == math.inf else f"from {self.low:g} to {self.high:g}"

    @property
    def told(self) -> str:
        """Between what it usually lies, in words; empty where nobody knows."""
        return "" if self.usual is None else f"{self.usual[0]:g} to {self.usual[1]:g}"

    @property
    def advice(self) -> str:
        """What to take, where ``span`` leaves it open."""
        return ""

    @property
    def outside(self) -> tuple[float, ...]:
        """Values that are refused: next to the bounds, and far from them."""
        beyond = () if self.high == math.inf else (math.nextafter(self.high, math.inf), 1e200, math.inf)
        return (math.nan, -math.inf, math.nextafter(self.low, -math.inf), *beyond)

    def check(self, name: str, value: float) -> None:
        """Refuse a value outside the bounds.

        Raises:
            InputError: it is.
        """
        if value not in self:
            raise InputError(f"{name} is the {self.meaning}, {self.span}, but got {value}{self.advice}.")


@dataclass(frozen=True)
class _Positive(Within):
    @property
    def span(self) -> str:
        return "above zero"

    @property
    def advice(self) -> str:
        return f"; take {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class _NotNegative(Within):
    def __contains__(self, value: object) -> bool:
        return value == 0 or super().__contains__(value)

    @property
    def span(self) -> str:
        return "zero or more"

    @property
    def outside(self) -> tuple[float, ...]:
        return (-self.low, *super().outside)

    @property
    def advice(self) -> str:
        return f"; take 0, or {self.low:g} to {self.high:g}"


def positive(
    meaning: str, usual: tuple[float, float] | None = None, *, log: bool = False, weighs_data: bool = False
) -> Within:
    """Above zero, as far as can be computed with."""
    return _Positive(SMALLEST, LARGEST, meaning, usual, log, weighs_data)


def not_negative(
    meaning: str, usual: tuple[float, float] | None = None, *, log: bool = False, weighs_data: bool = False
) -> Within:
    """Zero, or above it as far as can be computed with."""
    return _NotNegative(SMALLEST, LARGEST, meaning, usual, log, weighs_data)


def at_least(low: int, meaning: str, usual: tuple[float, float] | None = None, *, log: bool = False) -> Within:
    """A whole number from ``low`` on."""
    return Within(low, math.inf, meaning, usual, log)


@functools.cache
def bounds_of(owner: Callable[..., Any]) -> Mapping[str, Within]:
    """The bounds of each parameter of a function, or field of a dataclass, that has some."""
    said = {name: bounds_in(kind) for name, kind in _kinds(owner).items()}
    return {name: bounds for name, bounds in said.items() if bounds is not None}


def bounds_in(kind: Any) -> Within | None:
    """The bounds that stand in a type."""
    if get_origin(kind) is Annotated:
        return next((metadata for metadata in get_args(kind)[1:] if isinstance(metadata, Within)), None)
    found = (bounds_in(each) for each in get_args(kind)) if get_origin(kind) in (Union, UnionType) else ()
    return next((bounds for bounds in found if bounds is not None), None)


def check_within(owner: Callable[..., Any], values: Mapping[str, Any]) -> None:
    """Refuse a number outside the bounds that its parameter or field has; what is no number is left to others.

    Raises:
        InputError: one is.
    """
    for name, bounds in bounds_of(owner).items():
        value = values.get(name)
        if isinstance(value, int | float):
            bounds.check(name, value)


def _kinds(owner: Callable[..., Any]) -> dict[str, Any]:
    if is_dataclass(owner):
        return {name: each.type for name, each in owner.__dataclass_fields__.items()}
    return {name: each.annotation for name, each in inspect.signature(owner, eval_str=True).parameters.items()}
