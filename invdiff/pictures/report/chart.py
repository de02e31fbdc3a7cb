"""Lines with error bars as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from invdiff.errors import InputError
from invdiff.pictures.report.svg import BOTTOM, LEFT, RIGHT, TOP, WIDTH, axes, figure, reference, text

_HEIGHT = 220


@dataclass(frozen=True)
class Line:
    """Numbers over others.

    Attributes:
        x: ascending.
        y: as many.
        spread: one standard deviation of each; none: unknown.

    Raises:
        InputError: there are none, their counts differ, or they are not finite.
    """

    x: Sequence[float]
    y: Sequence[float]
    spread: Sequence[float] = ()

    def __post_init__(self) -> None:
        if not self.x or len(self.x) != len(self.y) or len(self.spread) not in (0, len(self.x)):
            raise InputError(f"A line of a chart has {len(self.x)}, {len(self.y)} and {len(self.spread)} numbers.")
        if not all(map(math.isfinite, (*self.x, *self.y, *self.spread))):
            raise InputError("A line of a chart holds NaN or infinity.")


@dataclass(frozen=True)
class Chart:
    """A line over a horizontal axis, and a level that it is held against.

    Attributes:
        title: what it shows.
        across: what the horizontal axis shows.
        line: the numbers.
        reference: the level.
    """

    title: str
    across: str
    line: Line
    reference: float

    @property
    def markup(self) -> str:
        """A figure."""
        spread = self.line.spread or [0.0] * len(self.line.x)
        ends = [(y - s, y + s) for y, s in zip(self.line.y, spread, strict=True)]
        bottom = min(0.0, *(low for low, _ in ends), self.reference)
        top = max(*(high for _, high in ends), self.reference) * 1.08 or 1.0
        right = self.line.x[-1] * 1.05 or 1.0

        def across(x: float) -> float:
            return LEFT + (WIDTH - LEFT - RIGHT) * x / right

        def up(y: float) -> float:
            return _HEIGHT - BOTTOM - (_HEIGHT - TOP - BOTTOM) * (y - bottom) / (top - bottom)

        found = zip(self.line.x, self.line.y, ends, strict=True)
        places = [(across(x), up(y), up(low), up(high)) for x, y, (low, high) in found]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in places)
        drawn = [
            axes(_HEIGHT),
            reference(up(self.reference)),
            *(f'<path class="spread" d="M{x:.1f} {low:.1f}V{high:.1f}"/>' for x, _, low, high in places),
            f'<polyline class="line" points="{points}"/>',
            *(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y, _, _ in places),
            *(text(LEFT - 6, up(value) + 4, f"{value:.3g}", "end") for value in (bottom, self.reference, top / 1.08)),
            *(text(across(x), _HEIGHT - BOTTOM + 15, f"{x:.2g}", "middle") for x in self.line.x),
            text((LEFT + WIDTH) / 2, _HEIGHT - 4, self.across, "middle"),
        ]
        return figure(self.title, _HEIGHT, drawn)
