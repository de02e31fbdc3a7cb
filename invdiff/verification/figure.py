"""Verdicts by budget, as a picture."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.verification.gates import GATES, Gate
from invdiff.verification.standing import Standing

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a5195", "#000000")  # Okabe & Ito
_MARKERS = "osD^vP*X"
_LIMITS = {"bias": (0.01, 30), "distance": (0.01, 30), "measured": (0.03, 30), "unmeasured": (0.03, 30)}
_WORDS = {
    "bias": "bias (posterior standard deviations)",
    "measured": "spread over the posterior's, measured",
    "unmeasured": "spread over the posterior's, unmeasured",
    "coverage_50": "50 % interval holds",
    "coverage_90": "90 % interval holds",
    "distance": "sliced Wasserstein distance (std)",
}


def write_figure(path: str | os.PathLike[str], rows: Sequence[Standing]) -> None:
    """Write a PNG with a panel for each gate: medians over problems by network calls, their range as bars, and what the
    gate lets pass as a band.

    Args:
        path: of the file, written whole or not at all.
        rows: standings of several methods and budgets.

    Raises:
        InputError: nothing was judged, or the suffix is not .png.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} has the suffix '{path.suffix}'; figures are written as .png files.")
    judged = [each for each in rows if each.judged]
    if not judged:
        raise InputError("There are no verdicts to draw.")
    with atomic(path) as temporary:
        _draw(judged, temporary)


def _draw(rows: Sequence[Standing], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    budgets = sorted({each.budget for each in rows})
    figure = Figure(figsize=(13, 6.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 3, squeeze=False).flat
    for axes, gate in zip(panels, GATES, strict=True):
        _panel(axes, rows, gate, budgets)
    handles, labels = axes.get_legend_handles_labels()
    figure.supxlabel("network calls for each sample; the band is what is right", fontsize=9)
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=9)
    figure.savefig(path, dpi=110, format="png")


def _panel(axes: Any, rows: Sequence[Standing], gate: Gate, budgets: Sequence[int]) -> None:
    low, high = _LIMITS.get(gate.measure, (0.0, 1.0))
    axes.axhspan(max(gate.low, low), gate.high, color="#009e73", alpha=0.18, linewidth=0)
    methods = list(dict.fromkeys(each.method for each in rows))
    for number, method in enumerate(methods):
        colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number // len(_COLOURS) % len(_MARKERS)]
        offset = 0.6 * ((number + 0.5) / len(methods) - 0.5)
        places, medians = [], []
        for standing in (each for each in rows if each.method == method):
            found = standing.over_problems(gate.measure)
            if found is None:
                continue
            least, median, largest = (min(max(value, low), high) for value in found)
            place = budgets.index(standing.budget) + offset
            axes.vlines(place, least, largest, color=colour, alpha=0.4, linewidth=1.5)
            places.append(place)
            medians.append(median)
        axes.plot(places, medians, color=colour, marker=marker, markersize=4, linewidth=0.8, label=method)
    if gate.measure in _LIMITS:
        axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets], fontsize=9)
    axes.set_xlim(-0.5, len(budgets) - 0.5)
    axes.set_title(_WORDS[gate.measure], fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
