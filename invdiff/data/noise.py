"""How noisy a scan is, read from its own k-space.

The noise is looked for where k-space holds least signal: among the outermost sampled positions along axis -1 (a phase
encode), in the stretches of axis -2 that turn out quietest, most often the corners. Corners of the image are no place
to look: the receiver's filter cuts the noise at the ends of the readout, so they underestimate it (2.3 times on a
Siemens scanner). A separate noise scan, where the file has one, is better still.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError

Complex = NDArray[np.complex64]

_BANDS = 8  # stretches of axis -2, each with a tile at either end of axis -1
_OUTERMOST = 0.05  # of the sampled positions of half a band make its tile
_QUIET = 1.3  # tiles with at most this many times the power of the quietest are taken to hold noise alone
_SAMPLES_PER_COIL = 4  # at least, or the covariance is too poorly known to be inverted
_UNEVEN = 2.0  # between the powers at the two ends of axis -1: noise that is the same everywhere differs less
_FULL_REACH = 0.8  # of half of axis -1: an end that was sampled less far out (partial Fourier) may hold signal


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise of a scan.

    Attributes:
        covariance: complex128 ``(coils, coils)``, Hermitian: half of E[n nᴴ]. The diagonal holds the variance of each
            real and each imaginary part, in k-space units squared.
        unevenness: the noise's standard deviation at the louder end of axis -1, over that at the other; one where the
            two are alike or can't be compared. Filters and interference removal make noise that no one level
            describes; the covariance is then that of the louder end.
    """

    covariance: NDArray[np.complex128]
    unevenness: float = 1.0

    @property
    def std(self) -> float:
        """One standard deviation of each real number for all coils: the root of their mean variance."""
        return float(np.sqrt(np.diag(self.covariance).real.mean()))


def noise_of_scan(samples: Complex) -> Noise:
    """From samples of noise alone, ``(coils, n)``, in k-space units.

    Raises:
        InputError: there are too few samples for so many coils.
    """
    coils, count = samples.shape
    if count < _SAMPLES_PER_COIL * coils:
        raise InputError(
            f"A noise scan of {count} samples does not tell the noise of {coils} coils; it takes "
            f"{_SAMPLES_PER_COIL * coils}."
        )
    noise = samples.astype(np.complex128)
    return Noise(noise @ noise.conj().T / (2 * count))


def noise_covariance(kspace: Complex, mask: NDArray[np.bool_] | None = None) -> NDArray[np.complex128]:
    """Covariance of the noise between coils, ``(coils, coils)``, Hermitian. See `noise_at_edges`."""
    return noise_at_edges(kspace, mask).covariance


def noise_at_edges(kspace: Complex, mask: NDArray[np.bool_] | None = None) -> Noise:
    """The noise as the edges of k-space show it.

    Args:
        kspace: ``(slices, coils, H, W)`` or ``(coils, H, W)``.
        mask: bool ``(H, W)``; None: fully sampled.

    Raises:
        InputError: there are too few samples for so many coils.
    """
    stack = kspace[None] if kspace.ndim == 3 else kspace
    slices, coils, height, width = stack.shape
    sampled = np.ones((height, width), bool) if mask is None else mask
    needed = _SAMPLES_PER_COIL * coils
    tiles: list[Complex] = []  # of the two ends in turn
    for rows in np.array_split(np.arange(height), _BANDS):
        y, x = np.nonzero(sampled[rows])
        outwards = np.argsort(x, kind="stable")
        count = min(max(int(np.ceil(_OUTERMOST / 2 * len(x))), -(-needed // (2 * slices * _BANDS))), len(x) // 2)
        if count:
            tiles.extend(
                stack[:, :, rows[y[end]], x[end]].swapaxes(0, 1).reshape(coils, -1)
                for end in (outwards[:count], outwards[-count:])
            )
    if sum(tile.shape[1] for tile in tiles) < needed:
        raise InputError(
            f"k-space of shape {kspace.shape} has too few samples at its edges to tell the noise of {coils} coils; "
            "give the noise level yourself."
        )

    power = np.array([(np.abs(tile) ** 2).mean(axis=1) for tile in tiles])  # (tiles, coils)
    loudness = (power / np.maximum(np.median(power, axis=0), np.finfo(power.dtype).tiny)).mean(axis=1)
    side = np.arange(len(tiles)) % 2
    quietest = np.array([loudness[side == s].min() for s in (0, 1)])
    columns = np.flatnonzero(sampled.any(axis=0)) - width // 2
    comparable = min(-columns[0], columns[-1]) >= _FULL_REACH * (width // 2 - 1) and quietest.min() > 0
    ratio = float(quietest.max() / quietest.min()) if comparable else 1.0
    if ratio > _UNEVEN:
        loudness[side == quietest.argmin()] = np.inf
    quiet: list[Complex] = []
    for i in np.argsort(loudness):
        if loudness[i] > _QUIET * loudness.min() and sum(tile.shape[1] for tile in quiet) >= needed:
            break
        quiet.append(tiles[i])
    covariance = _without_outliers(np.concatenate(quiet, axis=1).astype(np.complex128))
    return Noise(covariance, np.sqrt(ratio) if ratio > _UNEVEN else 1.0)


def _without_outliers(noise: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Covariance ``(coils, coils)`` of samples ``(coils, n)`` that are Gaussian but for a few that hold signal.

    Those beyond the 97.5 % quantile of the Mahalanobis distance are left out, with the distance's median as yardstick:
    the reweighting step of robust covariance estimation (Rousseeuw and Van Driessen, Technometrics 41, 1999).
    """
    from scipy.stats import chi2

    freedom = 2 * len(noise)  # real numbers in a sample
    limit = chi2.ppf(0.975, freedom)
    kept, covariance = noise, np.eye(len(noise), dtype=np.complex128)
    for _ in range(5):
        covariance = kept @ kept.conj().T / (2 * kept.shape[1])
        distance = (noise.conj() * np.linalg.lstsq(covariance, noise, rcond=None)[0]).sum(axis=0).real
        covariance *= np.median(distance) / chi2.median(freedom)
        kept = noise[:, distance * chi2.median(freedom) <= limit * np.median(distance)]
    return (covariance + covariance.conj().T) / 2  # some matrix products are Hermitian to rounding only


def noise_std_per_coil(kspace: Complex, mask: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Standard deviation of each real and each imaginary part, for each coil: ``(coils,)``. See `noise_covariance`."""
    return np.sqrt(np.diag(noise_covariance(kspace, mask)).real)


def noise_std(kspace: Complex, mask: NDArray[np.bool_] | None = None) -> float:
    """One standard deviation (of each real and each imaginary part) for all coils: the root of their mean variance."""
    return float(np.sqrt(np.mean(noise_std_per_coil(kspace, mask) ** 2)))


def prewhiten(array: Complex, covariance: NDArray[np.complex128]) -> Complex:
    """Virtual coils with uncorrelated noise of standard deviation one in each real and each imaginary part.

    Multiplies by the inverse of the covariance's Cholesky factor. Apply it to k-space before maps are estimated; maps
    that are already there need the same.

    Args:
        array: ``(..., coils, H, W)``, k-space, coil images or maps.
        covariance: ``(coils, coils)``, as from `noise_covariance`.

    Raises:
        InputError: shapes do not agree, or the covariance is not positive definite.
    """
    coils = array.shape[-3]
    if covariance.shape != (coils, coils):
        raise InputError(
            f"The noise covariance has shape {covariance.shape}, but there are {coils} coils in {array.shape}."
        )
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise InputError(
            f"The noise covariance of {coils} coils is not positive definite: a coil has no noise, or two are the same."
        ) from error
    inverse = np.linalg.inv(factor).astype(np.complex64)
    white: Complex = np.einsum("dc,...chw->...dhw", inverse, array, optimize=True)
    return white
