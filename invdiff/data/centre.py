"""Where the energy of k-space lies, and how it is brought to the centre.

The centre of this package is ``(H // 2, W // 2)``. Files have it elsewhere: in the corner, as numpy.fft.fft2 leaves it,
or some lines off, where a header tells the central line of a partial Fourier scan wrongly. Since k-space falls off by
orders of magnitude from its centre, the place shows; where it does not show clearly, nothing is moved.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.fourier import to_image
from invdiff.data.masks import calibration_region, central
from invdiff.data.scale import largest_part

Complex = NDArray[np.complex64]
Mask = NDArray[np.bool_]

_CLEARLY = 10.0  # times the power near the assumed centre: by chance, noise alone reaches 2.5
_NEAR = 16  # of each side is near the centre: echoes shift by a few lines by themselves
_FEWEST = 3  # samples that a median is taken of: one sample may be a spike
_LOWEST, _HIGHEST = 8, 32  # lines about the centre of which an image tells where the object lies; more are noisier
_EMPTY = 0.3  # times the power in the middle of an object, or less: beside it


@dataclass(frozen=True)
class Centring:
    """How k-space is brought to the centre.

    Attributes:
        shift: rows and columns that it is rolled by.
        halves: whether the image, too, is rolled by half its field of view, along either axis.
    """

    shift: tuple[int, int]
    halves: tuple[bool, bool] = (False, False)

    def is_from_edge(self, shape: tuple[int, ...]) -> bool:
        """Whether the zero frequency was at index 0 of an axis."""
        return any(shift == n // 2 for shift, n in zip(self.shift, shape, strict=True))

    def with_image(self) -> "Centring":
        """The same, with the image rolled along the axes on which k-space is."""
        return replace(self, halves=(self.shift[0] != 0, self.shift[1] != 0))

    def mask(self, mask: Mask) -> Mask:
        """Where was sampled, bool ``(H, W)``, after the shift."""
        return np.roll(mask, self.shift, (0, 1))

    def kspace(self, kspace: Complex) -> Complex:
        """k-space ``(..., H, W)`` after the shift."""
        if not any(self.shift):
            return kspace
        rolled = np.roll(kspace, self.shift, (-2, -1))
        for axis, half in zip((-2, -1), self.halves, strict=True):
            if half:
                n = rolled.shape[axis]
                turns = (np.arange(n) - n // 2) * (n // 2) / n
                phase = np.exp(2j * np.pi * turns).astype(np.complex64)
                rolled = rolled * (phase[:, None] if axis == -2 else phase)
        return rolled


def power_of(kspace: NDArray[np.complexfloating[Any, Any]]) -> NDArray[np.float64]:
    """The power ``(H, W)`` of k-space ``(slices, coils, H, W)``, of all slices and coils together; positive wherever a
    number is not zero, finite wherever numbers are of single precision."""
    power = np.zeros(kspace.shape[-2:])
    for coil in kspace.reshape(-1, *power.shape):
        power += coil.real.astype(np.float64) ** 2 + coil.imag.astype(np.float64) ** 2
    return power


def energy_peak(power: NDArray[np.float64], mask: Mask) -> tuple[int, int] | None:
    """Where the energy lies if that is clearly elsewhere than near the centre; else None.

    Powers are compared by the medians of three by three neighbours, which single spikes and a loud line do not move.

    Args:
        power: ``(H, W)``, as of `power_of`.
        mask: bool ``(H, W)``.
    """
    medians = _medians(power, mask)
    peak = np.unravel_index(np.argmax(medians), medians.shape)
    if not medians[peak] > _CLEARLY * _level_near_centre(power * mask, medians):
        return None
    around = np.ix_(*((place + np.arange(-1, 2)) % n for place, n in zip(peak, mask.shape, strict=True)))
    best = np.unravel_index(np.argmax(power[around] * mask[around]), (3, 3))
    row, column = ((int(p) + int(b) - 1) % n for p, b, n in zip(peak, best, mask.shape, strict=True))
    return row, column


def centring_of(peak: tuple[int, int], mask: Mask) -> Centring:
    """The shift that brings the energy to the centre, along each axis on which that can be done without doubt.

    Where all that was sampled still fits the matrix, it is shifted so far, or a few lines less. Where k-space is
    sampled across its edges and the energy lies at them, the zero frequency is at index 0. Else nothing is moved.

    Args:
        peak: row and column of the strongest samples.
        mask: bool ``(H, W)``.
    """
    rows, columns = np.nonzero(mask)
    return Centring((_shift(peak[0], rows, mask.shape[0]), _shift(peak[1], columns, mask.shape[1])))


def _shift(place: int, sampled: NDArray[np.intp], n: int) -> int:
    away = n // 2 - place
    if abs(away) <= _tolerance(n):
        return 0
    fitting = min(max(away, -int(sampled.min())), n - 1 - int(sampled.max()))
    if abs(fitting - away) <= _tolerance(n):
        return fitting
    return n // 2 if min(place, n - place) <= _tolerance(n) else 0


def lies_across_edges(kspace: Complex, mask: Mask) -> bool | None:
    """Whether the object lies across the edges of the field of view rather than about its middle; None where an image
    of the fully sampled centre does not tell.

    Args:
        kspace: ``(slices, coils, H, W)`` about its centre.
        mask: bool ``(H, W)``.
    """
    sides = [min(side, _HIGHEST) for side in calibration_region(mask)]
    if min(sides) < _LOWEST:
        return None
    centre = kspace[:, :, *central(mask.shape, sides)]
    power = power_of(to_image(centre / (largest_part(centre) or 1.0)))
    told = {_at_edges(power.sum(axis=axis)) for axis in (0, 1)} - {None}
    return told.pop() if len(told) == 1 else None


def _at_edges(profile: NDArray[np.float64]) -> bool | None:
    n = len(profile)
    outwards = np.abs(np.arange(n) - n // 2) / n
    middle, edges = profile[outwards <= 1 / 8].mean(), profile[outwards >= 7 / 16].mean()
    return bool(edges > middle) if min(middle, edges) < _EMPTY * max(middle, edges) else None


def _level_near_centre(power: NDArray[np.float64], medians: NDArray[np.float64]) -> float:
    """The largest median near the centre; where too little was sampled there, the largest power, or that a little
    farther out; where nothing was, that of the background."""
    for near in (_tolerance, lambda n: 2 * _tolerance(n)):
        zone = np.ix_(*(np.abs(np.arange(n) - n // 2) <= near(n) for n in power.shape))
        level = medians[zone].max() or power[zone].max()
        if level > 0:
            return float(level)
    return float(np.median(medians[medians > 0])) if medians.any() else 0.0


def _tolerance(n: int) -> int:
    return max(3, n // _NEAR)


def _medians(power: NDArray[np.float64], mask: Mask) -> NDArray[np.float64]:
    """The median of sampled powers among nine neighbours, across the edges; zero where too few were sampled."""
    held = np.where(mask, power, np.inf)
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    ordered = np.sort(np.stack([np.roll(held, step, (0, 1)) for step in steps]), axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    return np.where(count >= _FEWEST, middle, 0.0)
