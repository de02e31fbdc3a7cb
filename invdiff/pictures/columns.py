"""Columns of images on one figure, a row for each slice, and diagrams beneath."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from invdiff.pictures.course import Lines, draw_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROWS = 8
_BACKGROUND, _INK = "#101014", "#e8e8ea"
_INCHES = {"cell": 2.1, "gap": 0.05, "margin": 0.12, "label": 0.26, "title": 0.52, "bar": 0.32, "diagram": 1.9}


@dataclass(frozen=True, eq=False)
class Column:
    """One kind of image, in its own window.

    Attributes:
        title: above it.
        volume: magnitudes ``(slices, H, W)``.
        brightest: the magnitude that is shown brightest; zero is darkest.
        colours: a colour map of matplotlib.
        bar: whether a bar tells what the colours mean.
    """

    title: str
    volume: NDArray[np.floating]
    brightest: float
    colours: str = "gray"
    bar: bool = False


def brightest_of(volume: NDArray[Any]) -> float:
    """The magnitude that is shown white: the 99.7th percentile of all of them, or the largest where that is zero, or
    one."""
    return float(np.percentile(np.abs(volume), 99.7)) or float(np.abs(volume).max()) or 1.0


def draw_columns(
    columns: Sequence[Column], numbers: Sequence[int] | None = None, course: Mapping[str, Lines] | None = None
) -> "Figure":
    """The figure, with at most eight slices spread over the volume.

    Args:
        columns: at least one, all of as many slices.
        numbers: what to call the slices; by default they are counted from zero.
        course: of the run, lines for each of some diagrams by their titles.
    """
    from invdiff.pictures.shown_figure import ShownFigure

    slices, height, width = columns[0].volume.shape
    called = range(slices) if numbers is None else numbers
    rows = min(slices, _ROWS)
    shown = [int((2 * row + 1) * slices / (2 * rows)) for row in range(rows)]  # the middles of equal parts
    cell, gap, margin = _INCHES["cell"], _INCHES["gap"], _INCHES["margin"]
    cell_height = cell * min(max(height / width, 0.4), 2.0)
    left = margin + (_INCHES["label"] if slices > 1 else 0)
    diagrams = _INCHES["diagram"] if course else 0.0
    bottom = diagrams + margin + (_INCHES["bar"] if any(c.bar for c in columns) else 0)
    total_width = left + len(columns) * (cell + gap) - gap + margin
    total_height = bottom + len(shown) * (cell_height + gap) - gap + _INCHES["title"]

    figure = ShownFigure(figsize=(total_width, total_height), facecolor=_BACKGROUND)

    def axes(x: float, y: float, w: float, h: float) -> Any:
        return figure.add_axes((x / total_width, y / total_height, w / total_width, h / total_height))

    for i, column in enumerate(columns):
        x = left + i * (cell + gap)
        for j, k in enumerate(shown):
            y = bottom + (len(shown) - 1 - j) * (cell_height + gap)
            picture = axes(x, y, cell, cell_height)
            picture.set_axis_off()
            drawn = picture.imshow(column.volume[k], cmap=column.colours, vmin=0, vmax=column.brightest)
            if i == 0 and slices > 1:
                middle = (x - _INCHES["label"] / 2) / total_width, (y + cell_height / 2) / total_height
                figure.text(
                    *middle, f"slice {called[k]}", color=_INK, fontsize=8, rotation=90, ha="center", va="center"
                )
        top = (x + cell / 2) / total_width, (total_height - _INCHES["title"] / 2) / total_height
        figure.text(*top, column.title, color=_INK, fontsize=9.5, ha="center", va="center", linespacing=1.35)
        if column.bar:
            bar = axes(x + 0.1 * cell, bottom - 0.14, 0.8 * cell, 0.07)
            ticks = [0, column.brightest / 2, column.brightest]
            figure.colorbar(drawn, cax=bar, orientation="horizontal", ticks=ticks, format="%.2g").outline.set_visible(
                False
            )
            bar.tick_params(colors=_INK, labelsize=7, length=2, width=0.5, pad=1.5)
    for i, (title, lines) in enumerate((course or {}).items()):
        whole = (total_width - margin) / len(course or {})
        diagram = axes(margin + i * whole + 0.4, 0.3, whole - 0.4 - margin, diagrams - 0.7)
        draw_lines(diagram, lines)
        _darken(diagram, title)
    return figure


def _darken(diagram: "Axes", title: str) -> None:
    """Give a diagram the colours of the figure."""
    diagram.set_facecolor(_BACKGROUND)
    diagram.set_title(title, color=_INK, fontsize=9.5)
    diagram.set_xlabel("iteration", color=_INK, fontsize=7, labelpad=1)
    diagram.tick_params(which="both", colors=_INK, labelsize=7, length=2, width=0.5, pad=1.5)
    for spine in diagram.spines.values():
        spine.set_color(_INK)
        spine.set_linewidth(0.5)
