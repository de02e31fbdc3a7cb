"""Scans of images that are known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.coils import birdcage_maps
from invdiff.data.fourier import to_kspace
from invdiff.data.geometry import Geometry
from invdiff.data.memory import check_memory
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.phantom import smooth_phase
from invdiff.data.scan import Scan
from invdiff.data.trajectory import Trajectory
from invdiff.errors import InputError

Complex = NDArray[np.complex64]

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
    truth, maps = seen_by_coils(image, coils, phase, seed)
    shape = (truth.shape[1], truth.shape[2])
    kspace = to_kspace(maps * truth[:, None])
    add_noise(kspace, noise_std, seed)
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


def simulate_along(
    image: NDArray[Any],
    trajectory: Trajectory,
    *,
    coils: int = 8,
    phase: str = "smooth",
    noise_std: float = 0.0,
    delay: float = 0.0,
    seed: int = 0,
    name: str = "simulated",
    geometry: Geometry | None = None,
) -> NonCartesianScan:
    """Scan an image along a trajectory: y = F(k) S x + noise.

    Args:
        image: as of `simulate`, like all others that are not here.
        trajectory: of the scan, as its file will have it.
        coils: how many.
        phase: of real images.
        noise_std: of each real and each imaginary part.
        delay: of the gradients, in samples: so much earlier on its way every sample is in truth.
        seed: of noise and phase.
        name: of the scan.
        geometry: of the image.

    Returns:
        The scan with its maps, noise level and ground truth.

    Raises:
        InputError: as `simulate`, the trajectory is of another number of slices, or FINUFFT is not there.
    """
    import torch

    from invdiff.operators import NonUniformFourier

    truth, maps = seen_by_coils(image, coils, phase, seed)
    matrix = (truth.shape[1], truth.shape[2])
    if trajectory.slices not in (None, len(truth)):
        raise InputError(
            f"The image has {len(truth)} slice(s), and the trajectory points for each of {trajectory.slices}; give "
            "points for each slice, or the same for all."
        )
    taken = trajectory.delayed(delay) if delay else trajectory
    kspace = np.zeros((len(truth), coils, *taken.where.shape), np.complex64)
    for index, one in enumerate(truth):
        F = NonUniformFourier(torch.from_numpy(taken.places(index)), matrix)
        kspace[index][:, taken.where] = F(torch.from_numpy(maps * one)).numpy()
    add_noise(kspace, noise_std, seed)
    kspace[..., ~taken.where] = 0
    return NonCartesianScan(
        kspace=kspace,
        trajectory=trajectory,
        matrix=matrix,
        maps=np.repeat(maps[None], len(kspace), axis=0),
        noise_std=noise_std,
        ground_truth=truth,
        name=name,
        geometry=geometry,
    )


def seen_by_coils(image: NDArray[Any], coils: int, phase: str, seed: int) -> tuple[Complex, Complex]:
    """What is scanned, ``(slices, H, W)``, and the coil maps ``(coils, H, W)``.

    Args:
        image: as of `simulate`, like the others.
        coils: how many.
        phase: of real images.
        seed: of the phase.

    Raises:
        InputError: as `simulate`.
    """
    image = np.asarray(image)
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3:
        raise InputError(f"An image to scan is (H, W) or (slices, H, W), not {image.shape}.")
    if not np.isfinite(image).all() or not image.any():
        raise InputError(f"The image of shape {image.shape} to scan holds NaN or infinity, or nothing but zeros.")
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
    return truth, maps


def add_noise(kspace: Complex, noise_std: float, seed: int) -> None:
    """Add noise to each slice of k-space, where it is.

    Raises:
        InputError: the level is negative or not finite.
    """
    if not (np.isfinite(noise_std) and noise_std >= 0):
        raise InputError(f"A noise level is a finite number, zero or more, not {noise_std}.")
    for i, y in enumerate(kspace):
        parts = np.random.default_rng((seed, i)).standard_normal((2, *y.shape), np.float32)
        y += np.float32(noise_std) * (parts[0] + 1j * parts[1])
