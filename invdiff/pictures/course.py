"""Lines of numbers over the iterations of a run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = Sequence[float | None]
"""A number for each iteration, or ``None`` or NaN where there is a gap."""
Lines = Mapping[str, Sequence[Line]]
"""Lines by whose they are."""


def draw_course(lines: Mapping[str, Sequence[Line]]) -> "Figure":
    """A figure of one diagram above the other, each with a logarithmic axis.

    Args:
        lines: by what a diagram shows, its lines.
    """
    from invdiff.pictures.shown_figure import ShownFigure

    figure = ShownFigure(figsize=(6.4, 0.6 + 1.8 * len(lines)), layout="constrained")
    diagrams = figure.subplots(len(lines), sharex=True, squeeze=False)[:, 0]
    for diagram, (title, several) in zip(diagrams, lines.items(), strict=True):
        draw_lines(diagram, {"": several})
        diagram.set_ylabel(title)
    diagrams[-1].set_xlabel("iteration")
    return figure


def draw_lines(diagram: "Axes", lines: Lines) -> None:
    """Draw lines over a logarithmic axis, each in its own colour, or where they are of several in theirs."""
    for number, (whose, several) in enumerate(lines.items()):
        for k, line in enumerate(several):
            colour = f"C{k if len(lines) == 1 else number}"
            numbers = [float("nan") if one is None else one for one in line]
            diagram.plot(numbers, color=colour, linewidth=1, label=whose if k == 0 else None)
    diagram.set_yscale("log")
    if len(lines) > 1:
        diagram.legend(frameon=False, fontsize=7, labelcolor="linecolor")
