"""Scans of images that are known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.coils import birdcage_maps
from invdiff.data.fourier import to_kspace
from invdiff.data.geometry import Geometry
from invdiff.data.memory import check_memory
from invdiff.data.phantom import smooth_phase
from invdiff.data.scan import Scan
from invdiff.errors import InputError

_COPIES = 3
"""Of a scan's numbers, at one time: k-space, the coil maps of every slice, and what is left of k-space by the mask."""


def simulate(
    image: NDArray[Any],
    *,
    coils: int = 8,
    phase: str = "smooth",
    mask: NDArray[np.bool_] | None = None,
    noise_std: float = 0.0,
    seed: int = 0,
    name: str = "simulated",
    geometry: Geometry | None = None,
) -> Scan:
    """Scan an image: y = mask F S x + noise.

    A real image is scaled to a largest value of one and given a phase; a complex image keeps its own units and phase.
    The coils are a birdcage's, normalised; a single coil has a map of ones. Noise is drawn slice by slice.

    Args:
        image: ``(slices, H, W)`` or ``(H, W)``.
        coils: how many.
        phase: of real images: ``"smooth"`` (a random cubic polynomial) or ``"none"``.
        mask: bool ``(H, W)`` or ``(W,)``; None samples everything.
        noise_std: of each real and each imaginary part, in units of the scaled image.
        seed: of noise and phase.
        name: of the scan.
        geometry: of the image, where known; the scan's field of view is all of it.

    Returns:
        The scan with its maps, noise level and ground truth.

    Raises:
        InputError: the image is not two- or three-dimensional, not finite or zero everywhere; the mask has another
            shape; the noise level is negative; or this machine hasn't the memory.
    """
    image = np.asarray(image)
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3:
        raise InputError(f"An image to scan is (H, W) or (slices, H, W), not {image.shape}.")
    if not np.isfinite(image).all() or not image.any():
        raise InputError(f"The image of shape {image.shape} to scan holds NaN or infinity, or nothing but zeros.")
    if not (np.isfinite(noise_std) and noise_std >= 0):
        raise InputError(f"A noise level is a finite number, zero or more, not {noise_std}.")
    if phase not in ("smooth", "none"):
        raise InputError(f"There is no phase '{phase}'; choose smooth or none.")
    slices, *sides = image.shape
    shape = (sides[0], sides[1])
    what = f"A scan of {slices} slice(s) of {shape[0]} x {shape[1]} by {coils:,} coils"
    check_memory(what, _COPIES * np.dtype(np.complex64).itemsize * coils * image.size)
    if not np.iscomplexobj(image):
        largest = np.abs(image).max()
        angle = smooth_phase(shape, seed) if phase == "smooth" else 0.0
        image = (image / largest).astype(np.float32) * np.exp(1j * np.asarray(angle, np.float32))
    truth = image.astype(np.complex64)
    maps = np.ones((1, *shape), np.complex64) if coils == 1 else birdcage_maps(coils, shape)
    kspace = to_kspace(maps * truth[:, None])
    for i, y in enumerate(kspace):
        parts = np.random.default_rng((seed, i)).standard_normal((2, *y.shape), np.float32)
        y += np.float32(noise_std) * (parts[0] + 1j * parts[1])
    full = Scan(
        kspace=kspace,
        mask=np.ones(shape, bool),
        maps=np.repeat(maps[None], len(kspace), axis=0),
        noise_std=noise_std,
        ground_truth=truth,
        name=name,
        geometry=geometry,
    )
    return full if mask is None else full.undersample(mask)
