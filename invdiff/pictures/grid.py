"""A picture of many images side by side."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.pictures.grey import grey, white_of

_GAP = 2
_LABEL_HEIGHT, _LABEL_WIDTH = 14, 120


def write_grid(
    path: str | os.PathLike[str],
    images: NDArray[np.inexact],
    *,
    columns: int | None = None,
    labels: Sequence[str] | None = None,
) -> None:
    """Write a PNG of the images' magnitudes in rows, pixel by pixel, on one grey scale.

    White is the 99.9th percentile of all of them.

    Args:
        path: of the file, ending in .png; written whole or not at all.
        images: real or complex ``(N, H, W)``.
        columns: images in a row; by default about as many as there are rows.
        labels: a line above each image; each pixel is then a square of so many that the line has room.

    Raises:
        InputError: there are no images, numbers are not finite, the suffix is not .png, or there is not a label for
            each image.
    """
    from PIL import Image

    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} has the suffix '{path.suffix}'; grids are written as .png files.")
    if images.ndim != 3 or not images.size:
        raise InputError(f"A grid shows images (N, H, W), at least one, but got shape {images.shape}.")
    if not np.isfinite(images).all():
        raise InputError(f"The images of shape {images.shape} hold NaN or infinity, so they can't be drawn.")
    if labels is not None and len(labels) != len(images):
        raise InputError(f"{len(images)} images have {len(labels)} labels; give one for each.")
    magnitudes = np.abs(images)
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    pixels = grey(magnitudes, white_of(magnitudes))  # colours would be many times as large
    if labels is not None:
        pixels = _labelled(pixels, labels)
    padded = np.pad(pixels, ((0, rows * columns - len(images)), (0, _GAP), (0, _GAP)))
    _, height, width = padded.shape
    tiles = padded.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    with atomic(path) as temporary:
        Image.fromarray(tiles[:-_GAP, :-_GAP]).save(temporary)


def _labelled(pixels: NDArray[np.uint8], labels: Sequence[str]) -> NDArray[np.uint8]:
    """Images with a strip above each that holds its label."""
    from PIL import Image, ImageDraw

    factor = math.ceil(_LABEL_WIDTH / pixels.shape[2])
    enlarged = pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    strips = np.zeros((len(pixels), _LABEL_HEIGHT, enlarged.shape[2]), np.uint8)
    for strip, label in zip(strips, labels, strict=True):
        written = Image.fromarray(strip)
        ImageDraw.Draw(written).text((2, 1), label, fill=255)
        strip[:] = np.asarray(written)
    return np.concatenate([strips, enlarged], axis=1)
