"""The library's Fourier convention on NumPy arrays: centred and orthonormal over the last two axes."""

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex64]


def to_image(kspace: Complex) -> Complex:
    """Images of k-space ``(..., H, W)`` whose centre lies at ``(H // 2, W // 2)``; norms are kept."""
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes), axes=axes, norm="ortho"), axes)


def to_kspace(image: Complex) -> Complex:
    """The inverse of `to_image`."""
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image, axes), axes=axes, norm="ortho"), axes)
