"""A picture of a reconstruction: images, truth, error and uncertainty side by side."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.metrics.metrics import psnr
from invdiff.pictures.columns import Column, brightest_of, draw_columns
from invdiff.pictures.course import Lines
from invdiff.pictures.density import brightness_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Image = NDArray[Any]

_GAIN = 5


def draw_panel(
    images: Mapping[str, Image],
    *,
    std: Image | None = None,
    truth: Image | None = None,
    density: Image | None = None,
    numbers: Sequence[int] | None = None,
    course: Mapping[str, Lines] | None = None,
) -> "Figure":
    """A figure with a column for each image and a row for each slice, at most eight slices spread over the volume.

    With a truth, columns for it and for the error of the last image (five times as bright) follow, and titles hold the
    PSNR of the volume. With a standard deviation, its column follows. Magnitudes share one grey window, set by the
    truth or else by the last image; error and deviation share one of a fifth of that, so that they can be held against
    each other, with colour bars in the images' units.

    Args:
        images: by title, each ``(slices, H, W)``, real or complex, in the same units; the last is the one under
            scrutiny.
        std: real ``(slices, H, W)``, the standard deviation of the posterior's magnitude.
        truth: ``(slices, H, W)``.
        density: of samples along a trajectory, ``(H, W)``, as `brightness_of` shows it in the last column.
        numbers: what to call the slices; by default they are counted from zero.
        course: of the run, lines for each of some diagrams beneath the images, by their titles.

    Raises:
        InputError: there are no images, shapes differ, or numbers are not finite.
    """
    columns = _columns(images, std, truth)
    if density is not None:
        shown = np.broadcast_to(brightness_of(density), (len(columns[0].volume), *density.shape))
        columns.append(Column("samples of k-space", shown, 1.0))
    return draw_columns(columns, numbers, course)


def write_panel(
    path: str | os.PathLike[str],
    images: Mapping[str, Image],
    *,
    std: Image | None = None,
    truth: Image | None = None,
    density: Image | None = None,
    numbers: Sequence[int] | None = None,
) -> None:
    """Write a PNG of `draw_panel`, which tells what the arguments are.

    Args:
        path: of the file, ending in .png; written whole or not at all.
        images: as of `draw_panel`.
        std: as of `draw_panel`.
        truth: as of `draw_panel`.
        density: as of `draw_panel`.
        numbers: as of `draw_panel`.

    Raises:
        InputError: as of `draw_panel`, or the suffix is not .png, or the file can't be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} has the suffix '{path.suffix}'; panels are written as .png files.")
    figure = draw_panel(images, std=std, truth=truth, density=density, numbers=numbers)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=160, facecolor=figure.get_facecolor(), format="png")


def _columns(images: Mapping[str, Image], std: Image | None, truth: Image | None) -> list[Column]:
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
    brightest = brightest_of(volumes["truth" if truth is not None else last])
    columns = [
        Column(name if truth is None else f"{name}\n{psnr(truth, volumes[name]):.1f} dB", volumes[name], brightest)
        for name in images
    ]
    if truth is not None:
        error = np.abs(volumes[last] - volumes["truth"])
        columns.append(Column("truth", volumes["truth"], brightest))
        columns.append(_amplified("error", error, brightest))
    if std is not None:
        columns.append(_amplified("standard deviation", volumes["standard deviation"], brightest))
    return columns


def _amplified(title: str, volume: NDArray[np.float64], brightest: float) -> Column:
    return Column(f"{title}\n× {_GAIN}", volume, brightest / _GAIN, "inferno", bar=True)
