"""A picture of many images side by side."""

import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.pictures.grey import grey, white_of

_GAP = 2


def write_grid(path: str | os.PathLike[str], images: NDArray[np.inexact], *, columns: int | None = None) -> None:
    """Write a PNG of the images' magnitudes in rows, pixel by pixel, on one grey scale.

    White is the 99.9th percentile of all of them.

    Args:
        path: of the file, ending in .png; written whole or not at all.
        images: real or complex ``(N, H, W)``.
        columns: images in a row; by default about as many as there are rows.

    Raises:
        InputError: there are no images, numbers are not finite, or the suffix is not .png.
    """
    from PIL import Image

    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} has the suffix '{path.suffix}'; grids are written as .png files.")
    if images.ndim != 3 or not images.size:
        raise InputError(f"A grid shows images (N, H, W), at least one, but got shape {images.shape}.")
    if not np.isfinite(images).all():
        raise InputError(f"The images of shape {images.shape} hold NaN or infinity, so they can't be drawn.")
    magnitudes = np.abs(images)
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    pixels = grey(magnitudes, white_of(magnitudes))  # colours would be many times as large
    padded = np.pad(pixels, ((0, rows * columns - len(images)), (0, _GAP), (0, _GAP)))
    _, height, width = padded.shape
    tiles = padded.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    with atomic(path) as temporary:
        Image.fromarray(tiles[:-_GAP, :-_GAP]).save(temporary)
