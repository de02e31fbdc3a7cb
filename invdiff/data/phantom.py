"""Images without a scanner, for examples and tests."""

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError


def shepp_logan(shape: tuple[int, int]) -> NDArray[np.complex64]:
    """The modified Shepp-Logan head by SigPy, complex64 ``(H, W)``, magnitudes from 0 to 1 and no phase."""
    import sigpy

    if len(shape) != 2 or min(shape) < 2:
        raise InputError(f"A phantom has a shape (H, W), not {shape}.")
    phantom = np.abs(sigpy.shepp_logan(shape, dtype=np.complex64))
    scaled: NDArray[np.complex64] = (phantom / phantom.max()).astype(np.complex64)
    return scaled


def smooth_phase(shape: tuple[int, int], seed: int, strength: float = np.pi / 2) -> NDArray[np.float32]:
    """A random cubic polynomial ``(H, W)`` in radians, as slow as the phase of an inhomogeneous field.

    Its largest excursion from its mean is ``strength``.
    """
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    cubic = np.add.outer(range(4), range(4)) <= 3
    phase = np.asarray(np.polynomial.polynomial.polyval2d(y, x, rng.standard_normal((4, 4)) * cubic))
    phase -= phase.mean()
    largest = max(float(np.abs(phase).max()), float(np.finfo(float).tiny))
    return np.asarray(strength * phase / largest, np.float32)
