"""Which parameters are searched, and between what bounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from invdiff.errors import InputError
from invdiff.methods.method import Method
from invdiff.methods.values import alternatives, kinds_of
from invdiff.within import Within, bounds_of

Parameters = Mapping[str, float]
"""A point of a space: values by name, ints where the method takes ints."""

NOISE_TIMES = "noise_times"
"""What every method has beside its own parameters: by what the noise level is multiplied that the data term assumes."""


@dataclass(frozen=True)
class Range:
    """A parameter and its bounds, both of which belong to it.

    Args:
        name: of the method's parameter.
        low: bound.
        high: bound.
        log: whether equal ratios count as equal steps.
        integer: whether values are whole numbers.

    Raises:
        InputError: bounds are not finite or not in order, ``lam`` leaves [0, 1], a logarithmic range or one of
            ``noise_times`` is not positive, or bounds of whole numbers are broken.
    """

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False

    def __post_init__(self) -> None:
        bounds = f"{self.name}:{self.low:g}:{self.high:g}"
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(f"The range {bounds} must rise from a finite low to a finite high.")
        if self.name == "lam" and not 0 <= self.low < self.high <= 1:
            raise InputError(f"lam is the length of a consistency step, from 0 to 1, but the range is {bounds}.")
        if self.name == NOISE_TIMES and self.low <= 0:
            raise InputError(f"{NOISE_TIMES} multiplies the noise level, so it is positive, but the range is {bounds}.")
        if self.log and self.low <= 0:
            raise InputError(f"The range {bounds}:log must be positive, since it is searched by its logarithm.")
        if self.integer and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise InputError(f"{self.name} takes whole numbers, so the range {bounds} must end in whole numbers.")

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def at(self, fraction: float) -> float:
        """The value that lies so far between the bounds, to six digits (which is what files show)."""
        if self.log:
            value = self.low * (self.high / self.low) ** fraction
        else:
            value = self.low + (self.high - self.low) * fraction
        return self.nearest(value)

    def fraction(self, value: float) -> float:
        """How far between the bounds a value lies: the inverse of `at`."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def nearest(self, value: float) -> float:
        """The value of this range that is nearest, to six digits."""
        if self.integer:
            return round(min(max(value, self.low), self.high))
        return min(max(float(f"{value:.6g}"), self.low), self.high)


@dataclass(frozen=True)
class Space:
    """Ranges to search together.

    Raises:
        InputError: there are none, or two of one name.
    """

    ranges: Sequence[Range]

    def __post_init__(self) -> None:
        names = [one.name for one in self.ranges]
        if not names:
            raise InputError("A search needs at least one range.")
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{name} is searched over two ranges; give one.")

    def __contains__(self, point: object) -> bool:
        return isinstance(point, Mapping) and all(one.name in point and point[one.name] in one for one in self.ranges)

    @property
    def corners(self) -> list[Parameters]:
        """Every combination of bounds."""
        return [self._point(ends) for ends in product((0.0, 1.0), repeat=len(self.ranges))]

    @property
    def size(self) -> float:
        """Number of points: infinite where a range is not of whole numbers."""
        return math.prod(one.high - one.low + 1 if one.integer else math.inf for one in self.ranges)

    @property
    def points(self) -> list[Parameters]:
        """All points of a space of whole numbers."""
        values = [range(int(one.low), int(one.high) + 1) for one in self.ranges]
        return [dict(zip((one.name for one in self.ranges), point, strict=True)) for point in product(*values)]

    def fractions(self, point: Parameters) -> list[float]:
        """How far between its bounds each value of a point lies."""
        return [one.fraction(point[one.name]) for one in self.ranges]

    def spread(self, count: int, seed: int) -> list[Parameters]:
        """Points spread evenly: a scrambled Sobol sequence (Owen, Journal of Complexity 14, 1998), by SciPy."""
        from scipy.stats.qmc import Sobol

        sequence = Sobol(len(self.ranges), rng=seed).random_base2(max(count - 1, 1).bit_length())
        return [self._point(fractions) for fractions in sequence[:count].tolist()]

    def _point(self, fractions: Sequence[float]) -> Parameters:
        return {one.name: one.at(fraction) for one, fraction in zip(self.ranges, fractions, strict=True)}


def parse_range(text: str, method: Method) -> Range:
    """The range that ``name:low:high`` or ``name:low:high:log`` means for a method; whole numbers where the method
    takes an int. A name is that of a parameter, or a place in the sampler, such as ``guidance.gamma``; that of a
    parameter alone means the range that is usual.

    Raises:
        InputError: the text is of another form, the method has no such numeric parameter, or the range is refused.
    """
    name, *bounds = text.split(":")
    usual = bounds_of(method.build).get(name)
    if not bounds and usual is not None and usual.usual is not None:
        return _usual(name, usual, method)
    if len(bounds) not in (2, 3) or bounds[2:] not in ([], ["log"]):
        raise InputError(
            "--param takes NAME of a parameter that the method has, NAME:LOW:HIGH or NAME:LOW:HIGH:log, such as "
            f"snr:0.05:0.6, not {text!r}."
        )
    kinds = (float,) if name == NOISE_TIMES else alternatives(method.kind_of(name))
    if not {int, float} & {*kinds}:
        raise InputError(
            f"{method.name} has no numeric parameter {name!r}; it has {', '.join(numeric_parameters(method))}."
        )
    try:
        low, high = map(float, bounds[:2])
    except ValueError:
        raise InputError(f"The bounds of {text!r} must be numbers.") from None
    return Range(name, low, high, log=bounds[2:] == ["log"], integer=float not in kinds)


def usual_range(method: Method) -> Range:
    """λ from 0 to 1 where the method has one, else the parameter that weighs its data, between what it usually lies.

    Raises:
        InputError: it has none.
    """
    for name, bounds in bounds_of(method.build).items():
        if bounds.weighs_data:
            return _usual(name, bounds, method)
    has = ", ".join(numeric_parameters(method))
    raise InputError(f"What to search of {method.name}? Say it by --param NAME:LOW:HIGH; it has {has}.")


def _usual(name: str, bounds: Within, method: Method) -> Range:
    assert bounds.usual is not None
    low, high = bounds.usual
    return Range(name, low, high, log=bounds.log, integer=float not in alternatives(kinds_of(method.build)[name]))


def numeric_parameters(method: Method) -> dict[str, type]:
    """Parameters that take an int or a float, by name, and `NOISE_TIMES`."""
    own = {name: kind for name, kind in kinds_of(method.build).items() if kind in (int, float)}
    return {**own, NOISE_TIMES: float}
