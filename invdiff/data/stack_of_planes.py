"""Stacks of stars, of spirals and of other planes: three-dimensional scans of the same readouts in every plane of kz.

Where planes are evenly spaced and none is missing, an inverse Fourier transform along kz makes slices of them (Block et
al., Journal of the Korean Society of Magnetic Resonance in Medicine 18, 2014).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError

Complex = NDArray[np.complex64]
Points = NDArray[np.float64]

_FLAT = 1e-6  # of the largest coordinate: what is no higher lies in one plane
_UNEVEN = 0.05  # of the distance of two planes
_ALIKE = 1e-3  # of the largest coordinate: readouts that are no further apart are the same


@dataclass(frozen=True, eq=False)
class Stack:
    """What was measured of a stack of planes, slice by slice.

    Attributes:
        kspace: complex64 ``(slices, coils, readouts, samples)``; noise has the level that it had.
        points: of the readouts of every slice, ``(readouts, samples, 2)``.
        apart: from one plane to the next, along kz.
    """

    kspace: Complex
    points: Points
    apart: float


def is_flat(points: Points) -> bool:
    """Whether points ``(..., dimensions)`` have two dimensions, or a third that is zero."""
    return points.shape[-1] == 2 or float(np.abs(points[..., 2]).max()) <= _FLAT * float(np.abs(points).max())


def unstacked(kspace: Complex, points: Points, what: str, planes: int | None = None) -> Stack:
    """The slices of a stack of planes, whose readouts may come in any order.

    Args:
        kspace: ``(coils, readouts, samples)`` of all planes.
        points: of these readouts, ``(readouts, samples, 3)``, in any units.
        what: points are, for sentences.
        planes: how many fill the field of view, where that is known; else they do that lie evenly about zero. All of
            them may be counted from anywhere: that turns the phases of whole slices alone.

    Raises:
        InputError: they are no such stack, or planes are missing.
    """
    heights = points[..., 2]
    apart, plane = _planes(heights)
    first = float(heights.min())
    if np.abs(heights - first - plane[:, None] * apart).max() > _UNEVEN * apart:
        raise InputError(
            f"{what} is three-dimensional, and no stack of planes evenly spaced along its third coordinate, of which "
            "slices could be made; in Python, NonUniformFourier takes points of three dimensions."
        )
    count = int(plane.max()) + 1
    readouts = np.bincount(plane, minlength=count)
    middle = first / apart + (count - 1) / 2
    if (readouts == 0).any() or (count != planes and abs(middle) > 0.5 + _UNEVEN):
        raise InputError(
            f"{what} has planes at {np.count_nonzero(readouts)} height(s) from {first:.4g} to {heights.max():.4g}, "
            f"{apart:.4g} apart at least, of which some are missing: slices take all of them, evenly about zero; in "
            "Python, NonUniformFourier takes points of three dimensions."
        )
    order = np.argsort(plane, kind="stable")
    if (readouts != readouts[0]).any():
        raise InputError(_unlike(what, count))
    flat = points[order][..., :2].reshape(count, readouts[0], *points.shape[1:-1], 2)
    measured = kspace[:, order].reshape(len(kspace), count, readouts[0], -1)
    alike = np.stack([_in_the_order_of(flat[0], one) for one in flat])
    flat = np.take_along_axis(flat, alike[:, :, None, None], axis=1)
    measured = np.take_along_axis(measured, alike[None, :, :, None], axis=2)
    if np.abs(flat - flat[0]).max() > _ALIKE * np.abs(flat).max():
        raise InputError(_unlike(what, count))
    kz = np.round(2 * first / apart) / 2 + np.arange(count)
    waves = np.exp(2j * np.pi * (np.arange(count) - count // 2)[:, None] * kz / count) / np.sqrt(count)
    return Stack(np.einsum("zk,ckrs->zcrs", waves.astype(np.complex64), measured), flat[0], apart)


def _in_the_order_of(first: Points, other: Points) -> NDArray[np.intp]:
    """Which readout of a plane each of the first plane is, by the nearest ends; as they come, where two are nearest to
    the same."""
    from scipy.spatial import KDTree

    found: NDArray[np.intp] = KDTree(_ends(other)).query(_ends(first))[1]
    return found if len(np.unique(found)) == len(found) else np.arange(len(found))


def _ends(readouts: Points) -> Points:
    """The first and the last point of readouts ``(readouts, samples, 2)``, ``(readouts, 4)``."""
    return readouts[:, [0, -1]].reshape(len(readouts), -1)


def _planes(heights: Points) -> tuple[float, NDArray[np.intp]]:
    """The least distance of two planes, and the number of the plane that each readout is nearest to."""
    means = heights.mean(axis=1)
    steps, highest = np.diff(np.sort(means)), float(np.abs(heights).max())
    apart = float(steps[steps > _ALIKE * highest].min(initial=np.inf))
    if not np.isfinite(apart):  # all readouts lie about one height, and leave it or, of one plane beside zero, stay
        reach = float(np.ptp(heights))
        apart = reach if reach > _ALIKE * highest else highest
    return apart, np.round((means - heights.min()) / apart).astype(np.intp)


def _unlike(what: str, planes: int) -> str:
    return (
        f"{what} has {planes} planes whose readouts differ from one to the next, so that no transform along kz makes "
        "slices of them; in Python, NonUniformFourier takes points of three dimensions."
    )
