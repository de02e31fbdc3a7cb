"""PSNR by acceleration and method, with its spread over files."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from invdiff.errors import InputError
from invdiff.evaluation.labels import labelled
from invdiff.evaluation.score_table import Row
from invdiff.files.atomic import atomic

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a5195", "#000000")  # Okabe & Ito
_MARKERS = "osD^vP*X"
_GROUP = 0.7  # of the distance between accelerations is taken by the methods at one


def write_figure(path: str | os.PathLike[str], rows: Sequence[Row]) -> None:
    """Write a PNG with a panel for each mask (across) and convention (down).

    Large marks are means over files, bars their range, and small dots single files, each the mean over its slices.
    Regions of interest are left out.

    Args:
        path: of the file, written whole or not at all.
        rows: of a score table.

    Raises:
        InputError: there are no rows of whole images, or the suffix is not .png.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} has the suffix '{path.suffix}'; figures are written as .png files.")
    whole = [row for row in labelled(rows) if not row["region"]]
    if not whole:
        raise InputError("There are no scores to draw.")
    with atomic(path) as temporary:
        _draw(whole, temporary)


def _draw(rows: Sequence[Row], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    conventions, masks, methods = (
        list(dict.fromkeys(row[c] for row in rows)) for c in ("convention", "mask", "method")
    )
    most = max(len({row["acceleration"] for row in rows if row["mask"] == mask}) for mask in masks)
    width = max(2.6, 0.9 + most * (0.35 + 0.16 * len(methods)))
    figure = Figure(figsize=(1.9 + len(masks) * width, 0.9 + 2.6 * len(conventions)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(conventions), len(masks), sharey="row", squeeze=False)
    for i, convention in enumerate(conventions):
        for j, mask in enumerate(masks):
            here = [row for row in rows if (row["convention"], row["mask"]) == (convention, mask)]
            _panel(panels[i, j], here, methods, sorted({row["acceleration"] for row in here}, key=float))
            if i == 0:
                panels[i, j].set_title(mask, fontsize=10)
        panels[i, 0].set_ylabel(f"PSNR (dB), {convention}")
    targets = ", ".join(dict.fromkeys(row["target"] for row in rows))
    files = len({row["file"] for row in rows})
    figure.supxlabel(
        f"acceleration asked for, and achieved\n{files} file(s); target: {targets}", fontsize=9, linespacing=1.5
    )
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=9)
    figure.savefig(path, dpi=150, format="png")


def _panel(axes: Any, rows: Sequence[Row], methods: Sequence[str], accelerations: Sequence[str]) -> None:
    for k, method in enumerate(methods):
        colour, marker = _COLOURS[k % len(_COLOURS)], _MARKERS[k % len(_MARKERS)]
        offset = _GROUP * ((k + 0.5) / len(methods) - 0.5)
        places, means = [], []
        for x, acceleration in enumerate(accelerations):
            files = _by_file([row for row in rows if (row["method"], row["acceleration"]) == (method, acceleration)])
            if not files.size:
                continue
            places.append(x + offset)
            means.append(files.mean())
            if files.size > 1:
                axes.vlines(x + offset, files.min(), files.max(), color=colour, alpha=0.45, linewidth=2)
                axes.plot(np.full(files.size, x + offset), files, ".", color=colour, alpha=0.6, markersize=4)
        style = {"color": colour, "markersize": 7, "markeredgecolor": "white", "markeredgewidth": 0.8}
        axes.plot(places, means, marker, label=method, **style)
    labels = []
    for acceleration in accelerations:
        achieved = [float(row["achieved_acceleration"]) for row in rows if row["acceleration"] == acceleration]
        labels.append(f"{acceleration}×\n({np.mean(achieved):.2f})" if achieved else f"{acceleration}×")
    axes.set_xticks(range(len(accelerations)), labels, fontsize=9)
    axes.set_xlim(-0.5, len(accelerations) - 0.5)
    for x in range(1, len(accelerations)):
        axes.axvline(x - 0.5, color="#d0d0d0", linewidth=0.8)
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _by_file(rows: Sequence[Row]) -> Any:
    """The mean PSNR over the slices of each file; what is infinite can't be drawn."""
    scores = defaultdict(list)
    for row in rows:
        if np.isfinite(psnr := float(row["psnr"])):
            scores[row["file"]].append(psnr)
    return np.array([np.mean(values) for values in scores.values()])
