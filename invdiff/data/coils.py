"""Coil sensitivities: estimated, simulated, and put to use."""

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import calibration_region
from invdiff.data.scan import Scan
from invdiff.errors import InputError

Complex = NDArray[np.complex64]

_LARGEST_CALIBRATION = 32  # beyond this the maps stay the same, and the singular values drown in noise


def espirit_maps(
    kspace: Complex,
    calibration: tuple[int, int],
    *,
    crop: float = 0.8,
    threshold: float = 0.02,
    kernel_width: int | None = None,
) -> Complex:
    """Coil sensitivities by ESPIRiT (Uecker et al., Magnetic Resonance in Medicine 71, 2014), one set of maps, by
    SigPy.

    Nothing but the calibration region is looked at, of which SigPy uses the central square.

    Args:
        kspace: ``(coils, H, W)``, any intensity scale.
        calibration: (h, w), the fully sampled rectangle about the centre; see `invdiff.data.masks.calibration_region`.
        crop: pixels whose eigenvalue is below this are taken for background. Too high a value cuts into the object.
        threshold: singular values below this part of the largest count as noise.
        kernel_width: of the k-space kernel; by default six, less for a region of under twenty lines and three at
            least, since with few lines a wide kernel has too few places to be learnt from.

    Returns:
        complex64 ``(coils, H, W)`` with ``sum(abs(maps) ** 2, axis=0)`` one on the object and zero elsewhere. The
        phase is relative to the first coil. A single coil has a map of ones.

    Raises:
        InputError: the region is smaller than twice the kernel or larger than k-space, holds no signal, or the crop
            leaves nothing.
    """
    if kspace.ndim != 3:
        raise InputError(f"Maps are estimated slice by slice from k-space (coils, H, W), not {kspace.shape}.")
    coils, *shape = kspace.shape
    if coils == 1:
        return np.ones(kspace.shape, np.complex64)
    side = min(*calibration, _LARGEST_CALIBRATION)
    if kernel_width is None:
        kernel_width = min(6, max(3, 3 * side // 10))
    if side < 2 * kernel_width or any(c > n for c, n in zip(calibration, shape, strict=True)):
        raise InputError(
            f"ESPIRiT needs a fully sampled centre of at least {2 * kernel_width} x {2 * kernel_width} within k-space "
            f"of {shape[0]} x {shape[1]}, not {calibration[0]} x {calibration[1]}; sample more central lines, or give "
            "maps in the file."
        )
    centre = np.zeros_like(kspace)
    rows, columns = (slice(n // 2 - side // 2, n // 2 - side // 2 + side) for n in shape)
    centre[:, rows, columns] = kspace[:, rows, columns]
    if not centre.any():
        raise InputError(f"The calibration region of {side} x {side} holds no signal, so no coil maps can come of it.")
    from sigpy.mri.app import EspiritCalib

    calibrate = EspiritCalib(
        centre, calib_width=side, thresh=threshold, kernel_width=kernel_width, crop=crop, show_pbar=False
    )
    maps: Complex = np.ascontiguousarray(calibrate.run(), np.complex64)
    if not maps.any():
        raise InputError(f"No pixel has an ESPIRiT eigenvalue above crop = {crop}; take a lower one.")
    return maps


def estimate_maps(scan: Scan, *, crop: float = 0.8) -> Complex:
    """`espirit_maps` of each slice from the scan's fully sampled centre: complex64 ``(slices, coils, H, W)``.

    Raises:
        InputError: as `espirit_maps`, naming the scan.
    """
    region = calibration_region(scan.sampled)
    try:
        return np.stack([espirit_maps(kspace, region, crop=crop) for kspace in scan.kspace])
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
