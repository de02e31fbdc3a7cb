"""How noisy a scan is, and how well that is known.

Best known from a separate noise scan; else from patches of the fully sampled centre of k-space, of which no image
explains the small singular values; where there is no such centre, from the edges of k-space, which a sharp object
fills too. Corners of the image are no place to look: the receiver's filter cuts the noise at the ends of the readout.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invdiff.data.covariance import shrunk_covariance
from invdiff.data.edge_noise import EdgeNoise, edge_noise
from invdiff.data.patch_noise import PatchNoise, patch_noise
from invdiff.data.scale import largest_part
from invdiff.data.zeros import measured_of
from invdiff.errors import InputError

Complex = NDArray[np.complex64]

_LARGEST_CONDITION = 1e4  # of a covariance that is inverted: beyond, a coil has no noise, or two are nearly the same

_WELL_KNOWN = 0.3  # relative uncertainty of a level beyond which it may well be signal


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise of a scan.

    Attributes:
        std: one standard deviation of each real number for all coils, in k-space units: the root of their mean
            variance.
        uncertainty: one relative standard deviation of ``std``.
        source: what it was read from, in words.
        covariance: complex128 ``(coils, coils)``, Hermitian, positive definite: half of E[n nᴴ], so that its diagonal
            holds the variance of each real and each imaginary part, in k-space units squared. None where it is not
            known, and one level for all coils describes the data as well.
        unevenness: the noise's standard deviation at the louder edge of axis -1, over that at the other; one where the
            two are alike or can't be compared. Filters and interference removal make noise that no one level
            describes.
    """

    std: float
    uncertainty: float
    source: str
    covariance: NDArray[np.complex128] | None = None
    unevenness: float = 1.0


def noise_of_scan(samples: Complex) -> Noise:
    """From samples of noise alone, ``(coils, n)``, in k-space units.

    The covariance is drawn towards one level by how little the samples tell (Ledoit and Wolf 2004), and None where it
    can't be inverted: a coil has no noise, or two are the same.

    Raises:
        InputError: there are fewer samples than coils, or they are zero.
    """
    coils, count = samples.shape
    if count < coils:
        raise InputError(
            f"A noise scan of {count} samples does not tell the noise of {coils} coils; it takes {coils} at least. "
            "Leave it out of the file, or give --noise-std."
        )
    scale = largest_part(samples)
    if scale == 0:
        raise InputError(
            f"The noise scan of {coils} coils is zero everywhere, so it tells no noise; leave it out of the file, or "
            "give --noise-std."
        )
    noise = samples.astype(np.complex128) / scale
    variances = np.linalg.eigvalsh(noise @ noise.conj().T)
    covariance = scale**2 * shrunk_covariance(noise)
    known = bool(variances[0] * _LARGEST_CONDITION > variances[-1])
    return Noise(
        std=float(np.sqrt(np.diag(covariance).real.mean())),
        uncertainty=1 / float(np.sqrt(4 * coils * count)),
        source="from the file's noise scan",
        covariance=covariance if known else None,
    )


def estimate_noise(kspace: Complex, mask: NDArray[np.bool_] | None = None) -> Noise:
    """From the k-space of a scan itself: from the better known of its patches and its edges, or the quieter, since
    signal only adds to noise. Slices and coils that are zero are left out.

    Args:
        kspace: ``(slices, coils, H, W)`` or ``(coils, H, W)``, at any intensity scale.
        mask: bool ``(H, W)``; None: fully sampled.

    Raises:
        InputError: k-space is the same everywhere, has too few samples, or holds no noise that shows.
    """
    stack = kspace[None] if kspace.ndim == 3 else kspace
    sampled = np.ones(stack.shape[2:], bool) if mask is None else mask
    sampled = measured_of(sampled, np.asarray(stack.any(axis=(0, 1))))
    alive = stack[stack.any(axis=(1, 2, 3))][:, stack.any(axis=(0, 2, 3))]
    samples = alive[:, :, sampled]
    if samples.size == 0 or (samples == samples[:, :, :1]).all():
        raise InputError(
            f"k-space of shape {kspace.shape} is the same everywhere, so its noise can't be told; give --noise-std."
        )
    patches, edges = patch_noise(alive, sampled), edge_noise(alive, sampled)
    unevenness = 1.0 if edges is None else edges.unevenness
    if patches is not None and (edges is None or _better(patches, edges)):
        covariance = patches.covariance if alive.shape[1] == stack.shape[1] else None
        source = "from patches of the centre of k-space"
        return Noise(patches.std, patches.uncertainty, source, covariance, unevenness)
    if edges is None or edges.std == 0:
        raise InputError(
            f"k-space of shape {kspace.shape} has no fully sampled centre and too few samples at its edges to tell "
            "the noise; give --noise-std."
        )
    return Noise(edges.std, edges.uncertainty, "from the edges of k-space, signal included", unevenness=unevenness)


def _better(patches: PatchNoise, edges: EdgeNoise) -> bool:
    """Whether to believe patches: where either is well known the better known, else the quieter."""
    known = min(patches.uncertainty, edges.uncertainty) < _WELL_KNOWN
    return patches.uncertainty <= edges.uncertainty if known else patches.std <= edges.std


def noise_std(kspace: Complex, mask: NDArray[np.bool_] | None = None) -> float:
    """One standard deviation (of each real and each imaginary part) for all coils; see `estimate_noise`."""
    return estimate_noise(kspace, mask).std
