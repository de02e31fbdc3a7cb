"""A picture of lesions that were looked for, and of what came back of them."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.evaluation.detection import Finding
from invdiff.files.atomic import atomic

_BACKGROUND, _INK = "#101014", "#e8e8ea"
_SHOWN = 6  # lesions in crops
_CROP = 2.0  # sizes from the centre to the side of a crop
_ROWS = ("reconstructed", "inserted", "recovered")


@dataclass(frozen=True, eq=False)
class Shown:
    """Lesions and the images that they are shown in.

    Attributes:
        findings: of lesions whose places are in pixels of the images.
        image: magnitude ``(H, W)``, reconstructed with them.
        inserted: magnitude of the lesions by themselves.
        difference: magnitude of what was reconstructed with them, minus without.
    """

    findings: Sequence[Finding]
    image: NDArray[np.floating] = field(repr=False)
    inserted: NDArray[np.floating] = field(repr=False)
    difference: NDArray[np.floating] = field(repr=False)


def write_detection(path: str | os.PathLike[str], shown: Shown) -> None:
    """Write a PNG: over the image the share of each lesion's contrast that came back, at its place; beside it, of at
    most six lesions from the best recovered to the least, the image with it, the lesion, and what came back of it.

    Lesion and difference have one grey window, black at zero and white at the lesion's height.

    Args:
        path: of the file, ending in .png; written whole or not at all.
        shown: the lesions and their images.

    Raises:
        InputError: there are no lesions, images differ in shape or are not finite, or the suffix is not .png.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} has the suffix '{path.suffix}'; pictures of lesions are written as .png files.")
    if not shown.findings:
        raise InputError("There are no lesions to draw.")
    images = (shown.image, shown.inserted, shown.difference)
    if len({image.shape for image in images}) > 1 or shown.image.ndim != 2:
        raise InputError(f"The images must all be (H, W); they have the shapes {[image.shape for image in images]}.")
    if not all(np.isfinite(image).all() for image in images):
        raise InputError("An image holds NaN or infinity, so it can't be drawn.")
    with atomic(path) as temporary:
        _draw(shown, temporary)


def _draw(shown: Shown, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    order = sorted(shown.findings, key=lambda finding: -finding.share)
    few = [order[round(k)] for k in np.linspace(0, len(order) - 1, min(_SHOWN, len(order)))]
    height, width = shown.image.shape
    map_width = min(max(4.2 * width / height, 2.5), 8.0)
    figure = Figure(figsize=(map_width + 1.0 + 1.25 * len(few), 4.6), facecolor=_BACKGROUND, layout="constrained")
    FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(1, 2, width_ratios=(map_width + 0.8, 1.25 * len(few) + 0.2))
    for part in parts:
        part.set_facecolor(_BACKGROUND)
    _map(parts[0], shown)
    _crops(parts[1], shown, few)
    figure.savefig(path, dpi=150, facecolor=_BACKGROUND, format="png")


def _map(figure: Any, shown: Shown) -> None:
    from matplotlib.collections import EllipseCollection

    axes = figure.subplots()
    axes.set_axis_off()
    axes.imshow(shown.image, cmap="gray", vmin=0, vmax=float(np.percentile(shown.image, 99.7)) or 1.0)
    sizes = np.array([finding.lesion.size for finding in shown.findings])
    places = [finding.lesion.place[::-1] for finding in shown.findings]
    discs = EllipseCollection(
        1.6 * sizes[:, 1],
        1.6 * sizes[:, 0],
        np.zeros(len(sizes)),
        units="xy",
        offsets=places,
        transOffset=axes.transData,
        cmap="viridis",
        edgecolors="none",
    )
    discs.set_array(np.array([finding.share for finding in shown.findings]))
    discs.set_clim(0, 1)
    axes.add_collection(discs)
    bar = figure.colorbar(discs, ax=axes, fraction=0.05, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=_INK, labelsize=8, length=2)
    axes.set_title("share of the contrast that came back", color=_INK, fontsize=9.5)


def _crops(figure: Any, shown: Shown, findings: Sequence[Finding]) -> None:
    white = float(np.percentile(shown.image, 99.7)) or 1.0
    panels = figure.subplots(len(_ROWS), len(findings), squeeze=False)
    for column, finding in enumerate(findings):
        window = _window(finding, shown.image.shape)
        top = float(shown.inserted[window].max()) or 1.0
        windows = (shown.image, white), (shown.inserted, top), (shown.difference, top)
        for axes, (image, brightest) in zip(panels[:, column], windows, strict=True):
            axes.imshow(image[window], cmap="gray", vmin=0, vmax=brightest)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        panels[0, column].set_title(f"{finding.share:.0%}", color=_INK, fontsize=9.5)
    for axes, name in zip(panels[:, 0], _ROWS, strict=True):
        axes.set_ylabel(name, color=_INK, fontsize=9)


def _window(finding: Finding, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns about a lesion, of one length as far as the image goes."""
    rows, columns = (
        slice(max(0, math.floor(centre - _CROP * size)), min(length, math.ceil(centre + _CROP * size) + 1))
        for centre, size, length in zip(finding.lesion.place, finding.lesion.size, shape, strict=True)
    )
    return rows, columns
