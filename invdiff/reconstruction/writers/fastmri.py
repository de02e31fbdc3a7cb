"""The magnitude as a submission to the leaderboard of fastMRI has it."""

from pathlib import Path

import numpy as np

from invdiff.files.hdf5 import writing
from invdiff.reconstruction.written_result import WrittenResult


def write(result: WrittenResult, path: Path) -> tuple[str, ...]:
    """Write the data set ``reconstruction``, float32 ``(slices, H, W)``: the magnitude of the recon field of view, as
    ``fastmri.save_reconstructions`` does (Zbontar et al. 2018, arXiv 1811.08839).

    Raises:
        InputError: the result is damaged.
    """
    with writing(path) as file:
        file["reconstruction"] = np.abs(result.image)
    return ()
