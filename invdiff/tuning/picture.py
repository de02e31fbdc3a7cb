"""A picture of what a search has learnt: the fitted surface, its uncertainty, the trials and the best of them."""

import os
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.tuning.space import Range
from invdiff.tuning.study import Study
from invdiff.tuning.surrogate import predict

_CURVE, _GRID = 201, 41  # points along a side
_BLUE, _RED, _GREY = "#2b6cb0", "#d62728", "#555555"


def write_surface(study: Study, path: str | os.PathLike[str]) -> None:
    """Write a PNG: for one parameter the predicted score with a band of two standard deviations, for more a map of the
    mean and one of the standard deviation for each pair, the others at their best.

    Raises:
        InputError: no trial succeeded, the suffix is not .png, or the folder can't be written to.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} has the suffix '{path.suffix}'; surfaces are drawn as .png files.")
    ranges = study.space.ranges
    pairs = list(combinations(ranges, 2))
    figure = Figure(figsize=(10.5, 4.4 * len(pairs)) if pairs else (7, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    if not pairs:
        _draw_curve(study, ranges[0], figure.subplots())
    else:
        for pair, axes in zip(pairs, figure.subplots(len(pairs), 2, squeeze=False), strict=True):
            _draw_maps(study, *pair, axes)
    figure.suptitle(_title(study), fontsize=11)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150, format="png")


def _title(study: Study) -> str:
    best = ", ".join(f"{name} = {value:g}" for name, value in study.best.parameters.items())
    return f"best of {len(study.trials)} trials: {study.objective} {study.best.score:.5g} at {best}"


def _draw_curve(study: Study, one: Range, axes: Any) -> None:
    values = _values(one, _CURVE)
    mean, std = _predicted(study, [{one.name: value} for value in values])
    axes.fill_between(values, mean - 2 * std, mean + 2 * std, color=_BLUE, alpha=0.2, lw=0, label="± 2 std")
    axes.plot(values, mean, color=_BLUE, label="predicted")
    tried = [(trial.parameters[one.name], trial.score) for trial in study.trials if trial.score is not None]
    failed = [trial.parameters[one.name] for trial in study.trials if trial.score is None]
    axes.plot(*zip(*tried, strict=True), "o", color="black", ms=4, clip_on=False, zorder=2.6, label="trials")
    if failed:
        axes.plot(failed, np.zeros(len(failed)), "x", color=_GREY, transform=axes.get_xaxis_transform(), label="failed")
    best = study.best
    axes.plot(best.parameters[one.name], best.score, "*", color=_RED, ms=15, clip_on=False, zorder=3, label="best")
    axes.set(ylabel=f"{study.objective} ({'higher' if study.higher_is_better else 'lower'} is better)")
    _draw_axis(one, axes.xaxis)
    axes.set_xlim(one.low, one.high)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9)


def _draw_maps(study: Study, x: Range, y: Range, axes: NDArray[Any]) -> None:
    xs, ys = _values(x, _GRID), _values(y, _GRID)
    points = [{**study.best.parameters, x.name: a, y.name: b} for b in ys for a in xs]
    surfaces = [surface.reshape(len(ys), len(xs)) for surface in _predicted(study, points)]
    titles = f"predicted {study.objective}", "its standard deviation"
    colours = "viridis" if study.higher_is_better else "viridis_r", "magma"
    for panel, surface, title, colour in zip(axes, surfaces, titles, colours, strict=True):
        drawn = panel.contourf(xs, ys, surface, levels=16, cmap=colour)
        panel.figure.colorbar(drawn, ax=panel)
        for succeeded, style in ((True, {"marker": "o", "mfc": "white", "mec": "black"}), (False, {"marker": "x"})):
            tried = [trial.parameters for trial in study.trials if (trial.score is not None) is succeeded]
            if tried:
                at = [p[x.name] for p in tried], [p[y.name] for p in tried]
                panel.plot(*at, ls="", ms=5, color=_GREY, clip_on=False, zorder=2.6, **style)
        best = study.best.parameters
        panel.plot(best[x.name], best[y.name], "*", color=_RED, mec="white", ms=17, clip_on=False, zorder=3)
        panel.set_title(title, fontsize=10)
        _draw_axis(x, panel.xaxis)
        _draw_axis(y, panel.yaxis)


def _draw_axis(one: Range, axis: Any) -> None:
    axis.set_label_text(one.name)
    if one.log:
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})


def _values(one: Range, count: int) -> list[float]:
    return sorted({one.at(fraction) for fraction in np.linspace(0, 1, count).tolist()})


def _predicted(study: Study, points: Sequence[dict[str, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _ = study.best  # says so where no trial succeeded
    return predict(study.space, study.scores, points)
