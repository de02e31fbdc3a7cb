"""What runs came to over their iterations, as SVG."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from invdiff.errors import InputError
from invdiff.pictures.report.svg import BOTTOM, LEFT, RIGHT, TOP, WIDTH, axes, figure, reference, text

_HEIGHT = 170
_DRAWN = 150  # iterations of a line, at most
_COLOURS = ("first", "second")
_LEAST, _MOST = 1e-12, 1e12  # of numbers that are drawn


@dataclass(frozen=True)
class Band:
    """A number of several runs over their iterations.

    Attributes:
        middle: of all of them; NaN where there is none.
        low: the least of them.
        high: the largest of them.

    Raises:
        InputError: there are none, or their counts differ.
    """

    middle: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]

    def __post_init__(self) -> None:
        counts = {len(self.middle), len(self.low), len(self.high)}
        if len(counts) > 1 or not self.middle:
            raise InputError(f"A band of a chart has {len(self.middle)}, {len(self.low)} and {len(self.high)} numbers.")

    @property
    def runs(self) -> Iterator[list[tuple[int, float, float, float]]]:
        """Stretches without a gap: iterations from one on, each with its three numbers; of many every so-many-th."""
        count = len(self.middle)
        step = -(-count // _DRAWN)
        chosen = sorted({*range(0, count, step), count - 1})
        rows = ((k + 1, self.low[k], self.middle[k], self.high[k]) for k in chosen)
        for is_drawn, stretch in groupby(rows, lambda row: all(_LEAST < number < _MOST for number in row[1:])):
            if is_drawn:
                yield list(stretch)


@dataclass(frozen=True)
class CourseChart:
    """Bands over the iterations, on a logarithmic axis.

    Attributes:
        title: what it shows.
        bands: by whose they are, at most two.
        reference: a level that they are held against; None: there is none.
    """

    title: str
    bands: Mapping[str, Band]
    reference: float | None = None

    @property
    def markup(self) -> str:
        """A figure; none where no band has a number."""
        runs = [(whose, stretch) for whose, band in self.bands.items() for stretch in band.runs]
        if not runs:
            return ""
        levels = [number for _, stretch in runs for row in stretch for number in row[1:]]
        levels += [] if self.reference is None else [self.reference]
        low, high = math.log10(min(levels)), math.log10(max(levels))
        pad = 0.06 * (high - low) or 0.1
        bottom, top = low - pad, high + pad
        last = max(len(band.middle) for band in self.bands.values())

        def across(iteration: int) -> float:
            return LEFT + (WIDTH - LEFT - RIGHT) * (iteration - 1) / max(last - 1, 1)

        def up(level: float) -> float:
            return _HEIGHT - BOTTOM - (_HEIGHT - TOP - BOTTOM) * (math.log10(level) - bottom) / (top - bottom)

        colours = dict(zip(self.bands, _COLOURS, strict=False))
        drawn = [axes(_HEIGHT)]
        for whose, stretch in runs:
            above = [f"{across(k):.1f},{up(most):.1f}" for k, _, _, most in stretch]
            below = [f"{across(k):.1f},{up(least):.1f}" for k, least, _, _ in reversed(stretch)]
            line = " ".join(f"{across(k):.1f},{up(level):.1f}" for k, _, level, _ in stretch)
            drawn.append(f'<polygon class="band {colours[whose]}" points="{" ".join([*above, *below])}"/>')
            drawn.append(f'<polyline class="line {colours[whose]}" points="{line}"/>')
        drawn += [] if self.reference is None else [reference(up(self.reference))]
        drawn += [text(LEFT - 6, up(tick) + 4, f"{tick:g}", "end") for tick in _ticks(bottom, top)]
        drawn += [text(across(k), _HEIGHT - BOTTOM + 15, str(k), "middle") for k in dict.fromkeys((1, last))]
        drawn.append(text((LEFT + WIDTH - RIGHT) / 2, _HEIGHT - BOTTOM + 15, "iteration", "middle"))
        if len(self.bands) > 1:
            places = zip(colours.items(), (TOP + 4, TOP + 18), strict=True)
            drawn += [text(WIDTH - RIGHT, y, whose, "end", colour) for (whose, colour), y in places]
        return figure(self.title, _HEIGHT, drawn)


def _ticks(bottom: float, top: float) -> list[float]:
    """Round numbers between two powers of ten: about five."""
    factors = (1, 2, 5) if top - bottom < 2 else (1,)
    decades = range(math.floor(bottom), math.ceil(top) + 1)
    found = [factor * 10.0**decade for decade in decades for factor in factors]
    inside = [tick for tick in found if bottom <= math.log10(tick) <= top]
    return inside[:: -(-len(inside) // 5) or 1]
