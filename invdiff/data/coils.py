"""Coil sensitivities: estimated, simulated, and put to use."""

import numpy as np
from numpy.typing import NDArray

from invdiff.data.calibration import calibration_of
from invdiff.data.espirit import eigenmaps
from invdiff.data.masks import calibration_region
from invdiff.data.scan import Scan
from invdiff.errors import InputError

Complex = NDArray[np.complex64]


def espirit_maps(
    kspace: Complex,
    calibration: tuple[int, int],
    *,
    crop: float = 0.8,
    threshold: float = 0.02,
    kernel_width: int | None = None,
) -> Complex:
    """Coil sensitivities by ESPIRiT, one set of maps, at a given crop; `invdiff.data.calibrate` chooses both.

    Args:
        kspace: ``(coils, H, W)``, any intensity scale.
        calibration: as of `invdiff.data.eigenmaps`, like the rest.
        crop: pixels whose eigenvalue is below this are taken for background. Too high a value cuts into the object.
        threshold: singular values below this part of the largest count as noise.
        kernel_width: of the k-space kernel.

    Returns:
        complex64 ``(coils, H, W)`` with ``sum(abs(maps) ** 2, axis=0)`` one on the object and zero elsewhere. The
        phase is as of `invdiff.data.Eigenmaps`. A single coil has a map of ones.

    Raises:
        InputError: as `invdiff.data.eigenmaps`, or the crop leaves nothing.
    """
    if kspace.ndim == 3 and len(kspace) == 1:
        return np.ones(kspace.shape, np.complex64)
    maps: Complex = eigenmaps(kspace, calibration, threshold=threshold, kernel_width=kernel_width).maps(crop, 1)[0]
    if not maps.any():
        raise InputError(f"No pixel has an ESPIRiT eigenvalue above crop = {crop}; take a lower one.")
    return maps


def estimate_maps(scan: Scan, *, crop: float = 0.8) -> Complex:
    """`espirit_maps` of each slice from the scan's fully sampled centre, or its calibration: complex64
    ``(slices, coils, H, W)``.

    Raises:
        InputError: as `espirit_maps`, naming the scan.
    """
    source, _ = calibration_of(scan)
    region = calibration_region(source.sampled)
    try:
        return np.stack([espirit_maps(kspace, region, crop=crop) for kspace in source.kspace])
    except InputError as error:
        raise InputError(f"{scan.name}: {error}") from error


def birdcage_maps(coils: int, shape: tuple[int, int]) -> Complex:
    """Smooth sensitivities of coils on a ring around the image, by SigPy: complex64 ``(coils, H, W)``, sum of squares
    one.
    """
    from sigpy.mri import birdcage_maps as birdcage

    if coils < 1:
        raise InputError(f"A scan has at least one coil, not {coils}.")
    maps: Complex = birdcage((coils, *shape), dtype=np.complex64)
    return maps


def combine(coil_images: Complex, maps: Complex) -> Complex:
    """The least-squares combination of coil images: ``sum conj(S) x / sum |S|^2``, zero where the maps are.

    Args:
        coil_images: ``(..., coils, H, W)``.
        maps: of a shape that broadcasts with it.

    Returns:
        complex64 ``(..., H, W)``.
    """
    power = (np.abs(maps) ** 2).sum(axis=-3)
    total = (maps.conj() * coil_images).sum(axis=-3)
    combined: Complex = np.divide(total, power, out=np.zeros_like(total), where=power > 0)
    return combined


def separate(coil_images: Complex, maps: Complex) -> Complex:
    """The images of several map sets that together explain the coil images best: least squares at each pixel, of least
    norm where the maps are zero.

    Args:
        coil_images: ``(..., coils, H, W)``.
        maps: ``(..., sets, coils, H, W)``.

    Returns:
        complex64 ``(..., sets, H, W)``.
    """
    S = np.moveaxis(maps, (-4, -3), (-1, -2))  # (..., H, W, coils, sets)
    x = np.linalg.pinv(S, rcond=1e-3) @ np.moveaxis(coil_images, -3, -1)[..., None]
    return np.ascontiguousarray(np.moveaxis(x[..., 0], -1, -3))


def one_image(images: Complex) -> Complex:
    """The images of map sets as one: the root of their sum of squares, with the phase of the first.

    Args:
        images: ``(..., sets, H, W)``.

    Returns:
        complex64 ``(..., H, W)``.
    """
    magnitude = np.sqrt((np.abs(images).astype(np.float64) ** 2).sum(axis=-3))
    combined: Complex = (magnitude * np.exp(1j * np.angle(images[..., 0, :, :]))).astype(np.complex64)
    return combined


def combine_slices(coil_images: Complex, maps: Complex) -> Complex:
    """An image of each slice: `combine` by one map set, `one_image` of those that `separate` finds for several.

    Args:
        coil_images: ``(slices, coils, H, W)``.
        maps: ``(slices, coils, H, W)`` or ``(slices, sets, coils, H, W)``.

    Returns:
        complex64 ``(slices, H, W)``.
    """
    return combine(coil_images, maps) if maps.ndim == 4 else one_image(separate(coil_images, maps))
