"""A picture of a reconstruction: images, truth, error and uncertainty side by side."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.metrics.metrics import psnr

Image = NDArray[Any]

_ROWS = 8
_GAIN = 5
_BACKGROUND, _INK = "#101014", "#e8e8ea"
_INCHES = {"cell": 2.1, "gap": 0.05, "margin": 0.12, "label": 0.26, "title": 0.52, "bar": 0.32}


@dataclass(frozen=True)
class _Column:
    title: str
    volume: NDArray[np.float64]  # magnitudes (slices, H, W)
    brightest: float
    colours: str = "gray"
    bar: bool = False


def write_panel(
    path: str | os.PathLike[str],
    images: Mapping[str, Image],
    *,
    std: Image | None = None,
    truth: Image | None = None,
    numbers: Sequence[int] | None = None,
) -> None:
    """Write a PNG with a column for each image and a row for each slice, at most eight slices spread over the volume.

    With a truth, columns for it and for the error of the last image (five times as bright) follow, and titles hold the
    PSNR of the volume. With a standard deviation, its column comes last. Magnitudes share one grey window, set by the
    truth or else by the last image; error and deviation share one of a fifth of that, so that they can be held against
    each other, with colour bars in the images' units.

    Args:
        path: of the file, ending in .png; written whole or not at all.
        images: by title, each ``(slices, H, W)``, real or complex, in the same units; the last is the one under
            scrutiny.
        std: real ``(slices, H, W)``, the standard deviation of the posterior's magnitude.
        truth: ``(slices, H, W)``.
        numbers: what to call the slices; by default they are counted from zero.

    Raises:
        InputError: there are no images, shapes differ, numbers are not finite, or the suffix is not .png.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} has the suffix '{path.suffix}'; panels are written as .png files.")
    columns = _columns(images, std, truth)
    with atomic(path) as temporary:
        _draw(columns, temporary, numbers or range(len(columns[0].volume)))


def _columns(images: Mapping[str, Image], std: Image | None, truth: Image | None) -> list[_Column]:
    if not images:
        raise InputError("A panel needs at least one image.")
    given = {**images, "standard deviation": std, "truth": truth}
    volumes = {name: np.abs(volume).astype(np.float64) for name, volume in given.items() if volume is not None}
    shape = next(iter(volumes.values())).shape
    for name, volume in volumes.items():
        if volume.ndim != 3 or volume.shape != shape:
            raise InputError(
                f"The panel's images must all be (slices, H, W); '{name}' has shape {volume.shape}, not {shape}."
            )
        if not np.isfinite(volume).all():
            raise InputError(f"'{name}' of shape {shape} holds NaN or infinity, so it can't be drawn.")

    last = list(images)[-1]
    brightest = _brightest(volumes["truth" if truth is not None else last])
    columns = [
        _Column(name if truth is None else f"{name}\n{psnr(truth, volumes[name]):.1f} dB", volumes[name], brightest)
        for name in images
    ]
    if truth is not None:
        error = np.abs(volumes[last] - volumes["truth"])
        columns.append(_Column("truth", volumes["truth"], brightest))
        columns.append(_amplified("error", error, brightest))
    if std is not None:
        columns.append(_amplified("standard deviation", volumes["standard deviation"], brightest))
    return columns


def _amplified(title: str, volume: NDArray[np.float64], brightest: float) -> _Column:
    return _Column(f"{title}\n× {_GAIN}", volume, brightest / _GAIN, "inferno", bar=True)


def _brightest(volume: Image) -> float:
    return float(np.percentile(np.abs(volume), 99.7)) or float(np.abs(volume).max()) or 1.0


def _draw(columns: list[_Column], path: Path, numbers: Sequence[int]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    slices, height, width = columns[0].volume.shape
    rows = min(slices, _ROWS)
    shown = [int((2 * row + 1) * slices / (2 * rows)) for row in range(rows)]  # the middles of equal parts
    cell, gap, margin = _INCHES["cell"], _INCHES["gap"], _INCHES["margin"]
    cell_height = cell * min(max(height / width, 0.4), 2.0)
    left = margin + (_INCHES["label"] if slices > 1 else 0)
    bottom = margin + (_INCHES["bar"] if any(c.bar for c in columns) else 0)
    total_width = left + len(columns) * (cell + gap) - gap + margin
    total_height = bottom + len(shown) * (cell_height + gap) - gap + _INCHES["title"]

    figure = Figure(figsize=(total_width, total_height), facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)

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
                    *middle, f"slice {numbers[k]}", color=_INK, fontsize=8, rotation=90, ha="center", va="center"
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
    figure.savefig(path, dpi=160, facecolor=_BACKGROUND, format="png")
