"""The magnitude as pictures, one a slice."""

from pathlib import Path

import numpy as np
from PIL import Image

from invdiff.pictures import grey, white_of
from invdiff.reconstruction.written_result import WrittenResult


def write(result: WrittenResult, path: Path) -> tuple[str, ...]:
    """Write ``NAME_slice-0007.png`` for each slice, by its number in the file that was reconstructed: eight bits of
    grey in one window, whose white is the 99.9th percentile of the whole volume.

    Raises:
        InputError: the result is damaged.
    """
    magnitudes = np.abs(result.image)
    white = white_of(magnitudes)
    for place, magnitude in zip(result.slice_names, magnitudes, strict=True):
        Image.fromarray(grey(magnitude, white)).save(path.with_name(f"{path.stem}_slice-{place}.png"))
    return ()
