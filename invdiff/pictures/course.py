"""Lines of numbers over the iterations of a run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Line = Sequence[float | None]


def draw_course(lines: Mapping[str, Sequence[Line]]) -> "Figure":
    """A figure of one diagram above the other, each with a logarithmic axis.

    Args:
        lines: by what a diagram shows, its lines: a number for each iteration, or ``None`` where there is a gap.
    """
    from invdiff.pictures.shown_figure import ShownFigure

    figure = ShownFigure(figsize=(6.4, 0.6 + 1.8 * len(lines)), layout="constrained")
    diagrams = figure.subplots(len(lines), sharex=True, squeeze=False)[:, 0]
    for diagram, (title, several) in zip(diagrams, lines.items(), strict=True):
        for line in several:
            diagram.plot([float("nan") if number is None else number for number in line], linewidth=1)
        diagram.set_yscale("log")
        diagram.set_ylabel(title)
    diagrams[-1].set_xlabel("iteration")
    return figure
