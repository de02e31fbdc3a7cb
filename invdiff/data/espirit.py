"""ESPIRiT: coil sensitivities as eigenvectors of what the calibration lines have in common.

Patches of the calibration region lie in a subspace of few dimensions. An image seen through the coils' sensitivities
stays what it is when its k-space is projected, patch by patch, onto that subspace; in the image domain the projection
is a small matrix at each pixel, and the sensitivities are its eigenvectors of eigenvalue one. Where two pixels of the
object fall on one, as when it is larger than the field of view, there are two such eigenvectors (Uecker et al.,
Magnetic Resonance in Medicine 71, 2014).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import central
from invdiff.errors import InputError

Complex = NDArray[np.complex64]

LARGEST_CALIBRATION = 32  # beyond this the maps stay the same, and the singular values drown in noise
_MOST = 0.1  # of the largest singular value is taken for noise at most
_BLOCK_BYTES = 2**25  # matrices of all pixels are made in blocks of rows of about this size


@dataclass(frozen=True, eq=False)
class Eigenmaps:
    """The largest eigenvalues of every pixel, and their eigenvectors.

    Attributes:
        vectors: complex64 ``(sets, coils, H, W)``, each of norm one over the coils, largest eigenvalue first. Its
            phase is such that the principal component of the calibration data's coils sees it real and positive.
        values: float32 ``(sets, H, W)``, from zero (background) to one.
    """

    vectors: Complex
    values: NDArray[np.float32]

    def maps(self, crop: float, sets: int) -> Complex:
        """The first ``sets`` maps, zero where their eigenvalue is below ``crop``: ``(sets, coils, H, W)``."""
        kept: Complex = self.vectors[:sets] * (self.values[:sets, None] > crop)
        return kept


def eigenmaps(
    kspace: Complex,
    calibration: tuple[int, int],
    *,
    sets: int = 1,
    noise_std: float = 0.0,
    threshold: float = 0.02,
    kernel_width: int | None = None,
) -> Eigenmaps:
    """The ESPIRiT eigenvectors of a slice. Nothing but the calibration region is looked at.

    Args:
        kspace: ``(coils, H, W)``, any intensity scale.
        calibration: (h, w), the fully sampled rectangle about the centre; see `invdiff.data.masks.calibration_region`.
        sets: how many eigenvectors of each pixel, at most as many as there are coils.
        noise_std: of each real number of ``kspace``; singular values that such noise alone would have count as noise.
        threshold: so do singular values below this part of the largest.
        kernel_width: of the k-space patches; by default six, less for a region of under twenty lines and three at
            least, since with few lines a wide kernel has too few places to be learnt from.

    Raises:
        InputError: the region is smaller than twice the kernel or larger than k-space, or holds no signal; there are
            fewer coils than sets.
    """
    if kspace.ndim != 3:
        raise InputError(f"Maps are estimated slice by slice from k-space (coils, H, W), not {kspace.shape}.")
    coils, *shape = kspace.shape
    if not 1 <= sets <= coils:
        raise InputError(f"{coils} coil(s) tell at most {coils} map set(s) apart, not {sets}.")
    sides = [min(side, LARGEST_CALIBRATION) for side in calibration]
    if kernel_width is None:
        kernel_width = min(6, max(3, 3 * min(sides) // 10))
    if min(sides) < 2 * kernel_width or any(c > n for c, n in zip(calibration, shape, strict=True)):
        raise InputError(
            f"ESPIRiT needs a fully sampled centre of at least {2 * kernel_width} x {2 * kernel_width} within k-space "
            f"of {shape[0]} x {shape[1]}, not {calibration[0]} x {calibration[1]}; sample more central lines, or give "
            "maps in the file."
        )
    centre = kspace[:, *central(tuple(shape), sides)]
    if not centre.any():
        raise InputError(
            f"The calibration region of {sides[0]} x {sides[1]} holds no signal, so no coil maps can come of it."
        )
    vectors, values = _decompose(_kernel(centre, kernel_width, noise_std, threshold), (shape[0], shape[1]), sets)
    return Eigenmaps(_phased(vectors, _principal_coil(centre)), values)


def _kernel(centre: Complex, width: int, noise_std: float, threshold: float) -> NDArray[np.complex64]:
    """The projection onto the subspace of patches, as a convolution: ``(coils, coils, 2 width - 1, 2 width - 1)``."""
    coils = len(centre)
    scale = np.abs(centre).max()
    windows = np.lib.stride_tricks.sliding_window_view(centre / scale, (width, width), axis=(1, 2))
    patches = windows.transpose(0, 3, 4, 1, 2).reshape(coils * width**2, -1).astype(np.complex128)
    squares, basis = np.linalg.eigh(patches @ patches.conj().T)
    loudest = np.sqrt(2) * noise_std / scale * sum(np.sqrt(patches.shape))  # singular value of white noise, about
    level = max(threshold * np.sqrt(squares[-1]), min(loudest, _MOST * np.sqrt(squares[-1])))
    basis = basis[:, squares > level**2]
    projection = (basis @ basis.conj().T).reshape(coils, width, width, coils, width, width)
    kernel = np.zeros((coils, coils, 2 * width - 1, 2 * width - 1), np.complex128)
    for i, j in np.ndindex(width, width):
        kernel[:, :, width - 1 - i : 2 * width - 1 - i, width - 1 - j : 2 * width - 1 - j] += projection[
            :, :, :, :, i, j
        ].transpose(0, 3, 1, 2)
    return (kernel / width**2).astype(np.complex64)


def _decompose(kernel: NDArray[np.complex64], shape: tuple[int, int], sets: int) -> tuple[Complex, NDArray[np.float32]]:
    coils, reach = len(kernel), kernel.shape[-1] // 2
    down, across = (
        np.exp(2j * np.pi / n * np.outer(np.arange(n) - n // 2, np.arange(-reach, reach + 1))).astype(np.complex64)
        for n in shape
    )
    halfway = kernel @ across.T  # (coils, coils, 2 width - 1, W)
    vectors = np.empty((sets, coils, *shape), np.complex64)
    values = np.empty((sets, *shape), np.float32)
    block = max(1, _BLOCK_BYTES // (8 * coils**2 * shape[1]))
    for start in range(0, shape[0], block):
        rows = slice(start, start + block)
        matrices = (down[rows] @ halfway).transpose(2, 3, 0, 1)  # (rows, W, coils, coils)
        found, columns = np.linalg.eigh(matrices)
        columns = columns[..., ::-1][..., :sets]
        values[:, rows] = found[..., ::-1][..., :sets].transpose(2, 0, 1)
        vectors[:, :, rows] = columns.transpose(3, 2, 0, 1)
    return vectors, values


def _principal_coil(centre: Complex) -> Complex:
    """The weights (coils,) of the virtual coil that holds most of the calibration region's power."""
    samples = centre.reshape(len(centre), -1).astype(np.complex128)
    principal: Complex = np.linalg.eigh(samples @ samples.conj().T)[1][:, -1].astype(np.complex64)
    return principal


def _phased(vectors: Complex, virtual: Complex) -> Complex:
    """The vectors, each turned so that the virtual coil is real and positive.

    Of a single coil, far away, the phase winds about the places that it does not see, and so would the image's.
    """
    seen = np.einsum("c,schw->shw", virtual.conj(), vectors)[:, None]
    size = np.abs(seen)
    turned: Complex = vectors * np.where(size == 0, 1, seen.conj() / np.maximum(size, np.finfo(np.float32).tiny))
    return turned
