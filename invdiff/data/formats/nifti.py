"""Images in NIfTI files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.files.nifti import open_nifti


def read(path: Path) -> NDArray[Any]:
    """The volume, with slices, its last axis, first.

    Raises:
        InputError: it declares more than it holds, or the library that reads it is missing.
        Exception: of whatever kind nibabel raises at damage.
    """
    volume = np.asarray(open_nifti(path).dataobj)
    while volume.ndim > 3 and volume.shape[-1] == 1:
        volume = volume[..., 0]
    return np.moveaxis(volume, -1, 0) if volume.ndim == 3 else volume
