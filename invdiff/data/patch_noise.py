"""The noise of a scan from patches of its k-space that no image explains.

Patches of k-space, across coils, lie near a subspace of few dimensions (as ESPIRiT uses), and white noise fills all.
So the small singular values of the matrix of patches are noise alone: Veraart et al., Denoising of diffusion MRI using
random matrix theory (NeuroImage 142, 2016); Gavish and Donoho, IEEE Transactions on Information Theory 60 (2014).
Patches overlap, so their spectrum is not Marchenko and Pastur's; it is found by drawing white noise in their place.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.covariance import shrunk_covariance
from invdiff.data.masks import calibration_region, central
from invdiff.data.scale import largest_part
from invdiff.data.whitening import whitening

Complex = NDArray[np.complex128]

_ROUNDS = 12  # until the number of the signal's dimensions stays
_DIMENSIONS = 128  # of a patch, about: signal leaves room there, and the matrix is small
_SLICES = 8  # at most, evenly spaced
_PATCHES = 2000  # at most, drawn at random where there are more
_FEWEST_ROWS = 64  # of which three quarters are kept: fewer hold too few patches
_FEWEST = 4  # dimensions that are left to noise
_OUTERMOST = 0.05  # of the sampled positions may hold noise alone
_QUIETEST = 0.1  # so may these of the rows along the readout
_SAMPLES_PER_COIL = 4  # at least, or nothing is told of correlations
_SMALLEST = 4  # samples of a coil in a patch: fewer tell no neighbours
_NARROWEST = 8  # shorter side of a patch times coils and twins: one coil's object fills all of fewer
_CHANCE = 2.0  # of the error that independent samples would leave, as overlapping patches use them unequally
_LEAST = 0.005  # relative uncertainty: with the line above, found by simulation (benchmarks/noise.py)
_CLEARLY = 0.9  # of the signal's dimensions: a covariance that leaves fewer describes the noise better than one level


@dataclass(frozen=True, eq=False)
class PatchNoise:
    """Noise as patches of k-space tell it.

    Attributes:
        std: of each real number, in the units of k-space; for all coils the root of their mean variance.
        uncertainty: one relative standard deviation of ``std``.
        covariance: complex128 ``(coils, coils)``; None where one level describes all coils as well.
    """

    std: float
    uncertainty: float
    covariance: Complex | None = None


def patch_noise(kspace: NDArray[np.complexfloating[Any, Any]], mask: NDArray[np.bool_]) -> PatchNoise | None:
    """The noise in the fully sampled centre of k-space; None where it holds too few patches.

    Where the whole readout (axis -2) is sampled, the central three quarters of its field of view are looked at: the
    receiver's filter cuts the noise at its ends. Samples that may be noise alone tell how it is correlated between
    coils, if with their covariance less of the patches counts as signal; where they hold signal, more does.

    Args:
        kspace: ``(slices, coils, H, W)``, finite and not zero everywhere.
        mask: bool ``(H, W)``.
    """
    scale = largest_part(kspace)
    kspace = kspace[np.unique(np.linspace(0, len(kspace) - 1, _SLICES).round().astype(int))]
    samples: Complex = kspace.astype(np.complex128) / scale
    height, width = calibration_region(mask)
    quiet: list[Complex] = []
    if height == mask.shape[0] >= _FEWEST_ROWS:
        columns = mask.all(axis=0)
        readout = _without_ends(np.where(columns, samples, 0))
        quiet.append(_quietest_rows(readout[..., columns]))
        samples = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(readout, 2), axis=2, norm="ortho"), 2)
        height = samples.shape[2]
        mask = np.broadcast_to(columns, samples.shape[2:])
    quiet.append(_outermost(samples, mask))
    centre = samples[:, :, *central(samples.shape[2:], (height, width))]
    kernel = _kernel(centre.shape)
    if kernel is None:
        return None
    white = _spectrum(centre, kernel)
    found = PatchNoise(scale * white.std, white.uncertainty)
    least = _CLEARLY * white.signal
    for tile in quiet:
        coils, count = tile.shape
        if coils == 1 or count < _SAMPLES_PER_COIL * coils or not tile.any(axis=1).all():
            continue
        shape = shrunk_covariance(tile)
        coloured = _spectrum(np.einsum("dc,schw->sdhw", whitening(shape), centre, optimize=True), kernel)
        if coloured.signal < least:
            least = coloured.signal
            covariance = (scale * coloured.std) ** 2 * shape / (np.trace(shape).real / coils)
            found = PatchNoise(scale * coloured.std, coloured.uncertainty, covariance)
    return found


def _outermost(kspace: Complex, mask: NDArray[np.bool_]) -> Complex:
    """Samples ``(coils, n)`` in the outermost corners of what was measured."""
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    inwards = np.argsort(-np.minimum(np.abs(rows - height // 2) / height, np.abs(columns - width // 2) / width))
    kept = inwards[: int(_OUTERMOST * len(inwards))]
    return kspace[:, :, rows[kept], columns[kept]].swapaxes(0, 1).reshape(kspace.shape[1], -1)


def _quietest_rows(readout: Complex) -> Complex:
    """Samples ``(coils, n)`` of the rows of ``(slices, coils, x, lines)`` that hold least power: beside the object."""
    power = (np.abs(readout) ** 2).sum(axis=(0, 1, 3))
    kept = np.argsort(power)[: max(1, int(_QUIETEST * len(power)))]
    return readout[:, :, kept].swapaxes(0, 1).reshape(readout.shape[1], -1)


@dataclass(frozen=True)
class _Spectrum:
    """What the singular values of patches tell: the level of white noise, and how many dimensions hold signal."""

    std: float
    uncertainty: float
    signal: int


def _spectrum(centre: Complex, kernel: tuple[int, int]) -> _Spectrum:
    """The level of white noise in the region ``(slices, coils, h, w)``.

    To first order the small singular values of signal and noise are those of the noise with the signal's dimensions
    projected out, on both sides; so they are compared with those of drawn noise of unit level after the same
    projections. Dimensions louder than the loudest of these hold signal. The uncertainty is that of chance, by the real
    numbers that noise has to itself, and of how far quiet and louder dimensions disagree. Where signal fills nearly all
    dimensions, what is left is an upper bound.
    """
    parts = np.random.default_rng(0).standard_normal((2, *centre.shape))
    patches, drawn = _patches(centre, kernel), _patches(parts[0] + 1j * parts[1], kernel)
    dimensions, count = patches.shape
    most = min(dimensions, count)
    powers, basis = np.linalg.eigh(patches @ patches.conj().T)
    powers = np.maximum(powers, np.finfo(np.float64).eps * powers[-1])
    signal, variance = most // 2, 0.0
    for _ in range(_ROUNDS):
        loud = basis[:, dimensions - signal :] / np.sqrt(powers[dimensions - signal :])
        right = patches.conj().T @ loud
        left = basis[:, : dimensions - signal].conj().T @ drawn
        taken = left @ right
        left -= taken @ right.conj().T
        expected = np.linalg.eigvalsh(left @ left.conj().T)[signal - most :]
        quiet = powers[: dimensions - signal][signal - most :]
        half = (most - signal) // 2
        variance = quiet.sum() / (2 * (dimensions - signal) * count - (np.abs(taken) ** 2).sum())
        loudest = quiet[:half].sum() / expected[:half].sum() * expected[-1]
        before, signal = signal, min(int((powers > loudest).sum()), most - _FEWEST)
        if signal == before:
            break
    slope = float(np.log(quiet[half:].sum() / expected[half:].sum() * expected[:half].sum() / quiet[:half].sum())) / 2
    chance = _CHANCE**2 / (2 * centre.size * (1 - signal / most) * (1 - signal / count))
    filled = 1.0 if signal == most - _FEWEST else 0.0
    return _Spectrum(float(np.sqrt(variance)), float(np.sqrt(chance + slope**2 + _LEAST**2 + filled)), signal)


def _kernel(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Sides of a patch of ``(slices, coils, h, w)``, square where the region allows; None where it is too small."""
    slices, coils, height, width = shape
    for dimensions in range(_DIMENSIONS, _DIMENSIONS // 2 - 1, -8):
        area = dimensions / (2 * coils)
        short = max(1, min(round(area**0.5), min(height, width) // 3))
        long = min(round(max(area / short, 2)), max(height, width) // 3)
        places = slices * (min(height, width) - short) * (max(height, width) - long)
        if 2 * coils * short * long <= places or short * long <= _SMALLEST:
            break
    if 2 * coils * short < _NARROWEST or 2 * coils * short * long < _DIMENSIONS / 2:
        return None
    return (long, short) if height > width else (short, long)


def _patches(kspace: Complex, kernel: tuple[int, int]) -> Complex:
    """Patches as columns ``(2 coils area, patches)``: of every coil and of its conjugate twin.

    The twin of a coil is its k-space mirrored and conjugated, as of the conjugate image: images whose phase is smooth
    are seen alike by both, which leaves room for noise even where a single coil's object fills the field of view
    (virtual conjugate coils; Blaimer et al., Magnetic Resonance in Medicine 61, 2009).
    """
    odd = kspace[:, :, 1 - kspace.shape[2] % 2 :, 1 - kspace.shape[3] % 2 :]
    twins = np.concatenate([odd, odd[:, :, ::-1, ::-1].conj()], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(twins, kernel, axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
    places = windows.shape[:3]
    count = int(np.prod(places))
    kept = np.random.default_rng(0).permutation(count)[:_PATCHES]
    columns: Complex = windows[np.unravel_index(np.sort(kept), places)].reshape(len(kept), -1).T
    return columns


def _without_ends(kspace: Complex) -> Complex:
    """The central three quarters of the field of view along axis -2, which is transformed to positions x."""
    length = kspace.shape[2]
    kept = 3 * length // 4
    along: Complex = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(kspace, 2), axis=2, norm="ortho"), 2)
    return along[:, :, length // 2 - kept // 2 : length // 2 - kept // 2 + kept]
