"""Images of samples off the grid, weighed by the density of their points: to look at, and to begin tables with."""

import numpy as np
import torch
from numpy.typing import NDArray

from invdiff.operators import NonUniformFourier, pipe

Complex = NDArray[np.complex64]


def gridded_images(kspace: Complex, points: NDArray[np.float64], matrix: tuple[int, int]) -> Complex:
    """Aᴴ W y of every coil of a slice, ``(coils, H, W)``.

    Args:
        kspace: ``(coils, samples)``.
        points: ``(samples, 2)`` in cycles per pixel.
        matrix: (H, W) of the image.

    Raises:
        InputError: FINUFFT isn't installed.
    """
    F = NonUniformFourier(torch.tensor(points), matrix)
    weighted: Complex = F.H(pipe(F).float() * torch.tensor(kspace)).numpy()
    return weighted
