"""The image as a ``.npy`` file."""

from pathlib import Path

import numpy as np

from invdiff.reconstruction.written_result import WrittenResult


def write(result: WrittenResult, path: Path) -> tuple[str, ...]:
    """Write the image, complex64 ``(slices, H, W)``.

    Raises:
        InputError: the result is damaged.
    """
    with path.open("wb") as file:  # by its name, NumPy would choose another
        np.save(file, result.image)
    return ()
