"""Where in k-space samples lie that are on no grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from invdiff.data.golden_angle import GOLDEN_ANGLE
from invdiff.data.sampling_density import sampling_density
from invdiff.errors import InputError
from invdiff.notebook import card

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = NDArray[np.float64]
Measured = NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)

_SIDE = 128  # pixels of a picture
_BEYOND = 1e-3  # of the grid: what is stored in single precision, or in units of it, may be rounded past its edge
_NEAR = 0.6  # positions of the grid: turns one apart, sampled twice as densely along them, leave 0.56 at most


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """The points of k-space at which every readout was sampled, by all coils alike.

    Args:
        points: ``(readouts, samples, 2)``, the same for all slices, or ``(slices, readouts, samples, 2)``; converted to
            float64, in cycles per pixel, from -1/2 to 1/2. The axes are in the order of the image's ``(H, W)``; those
            of scanners' files have the readout direction first. What is past the edge by a thousandth of the grid at
            most is rounding, and put back on it.
        measured: bool ``(readouts, samples)``: what was sampled, where readouts are of several lengths. None: all.

    Raises:
        InputError: a shape is another, numbers are not finite, points lie outside the grid, or nothing was sampled.
    """

    points: Points
    measured: Measured | None = None

    def __post_init__(self) -> None:
        points = np.asarray(self.points)
        if points.ndim not in (3, 4) or points.shape[-1] != 2 or points.size == 0 or points.dtype.kind not in "fiu":
            raise InputError(
                f"A trajectory has real points of shape (readouts, samples, 2), or (slices, readouts, samples, 2), not "
                f"{points.dtype} of shape {points.shape}."
            )
        points = points.astype(np.float64)
        if not np.isfinite(points).all():
            raise InputError(f"The trajectory of shape {points.shape} holds NaN or infinity.")
        largest = float(np.abs(points).max())
        if largest > 0.5 + _BEYOND:
            raise InputError(
                f"The trajectory reaches {largest:.4g} cycles per pixel, outside the grid, which ends at 0.5; divide "
                "points in units of the grid by its sides, in radians by 2 pi."
            )
        measured, sides = self.measured, points.shape[-3:-1]
        if measured is not None and (measured.shape != sides or measured.dtype != bool or not measured.any()):
            raise InputError(
                f"What was sampled of a trajectory is bool of shape {sides}, true somewhere, not {measured.dtype} of "
                f"shape {measured.shape}."
            )
        object.__setattr__(self, "points", np.clip(points, -0.5, 0.5))

    @property
    def readouts(self) -> int:
        """Number of readouts: spokes, or interleaves."""
        return int(self.points.shape[-3])

    @property
    def samples(self) -> int:
        """Number of samples of each readout, or of the longest."""
        return int(self.points.shape[-2])

    @property
    def slices(self) -> int | None:
        """Number of slices that have points of their own; None: all have the same."""
        return int(self.points.shape[0]) if self.points.ndim == 4 else None

    @property
    def where(self) -> Measured:
        """What was sampled, bool ``(readouts, samples)``."""
        return np.ones((self.readouts, self.samples), bool) if self.measured is None else self.measured

    @property
    def radius(self) -> Points:
        """Distance of each point from the centre of k-space, in cycles per pixel, ``(readouts, samples)``, or
        ``(slices, readouts, samples)``."""
        radius: Points = np.linalg.norm(self.points, axis=-1)
        return radius

    def select(self, slices: Sequence[int]) -> "Trajectory":
        """The trajectory of some slices, by their places."""
        return self if self.slices is None else Trajectory(self.points[list(slices)], self.measured)

    def places(self, index: int = 0) -> Points:
        """The points of a slice that were sampled, readout after readout, ``(n, 2)``.

        Args:
            index: of the slice.
        """
        found: Points = (self.points if self.slices is None else self.points[index])[self.where]
        return found

    def sampled(self, kspace: NDArray[Number]) -> NDArray[Number]:
        """What was sampled of numbers ``(..., readouts, samples)``, as `places` has them: ``(..., n)``."""
        found: NDArray[Number] = kspace[..., self.where]
        return found

    def cells(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The positions of the grid to which some point of the first slice is nearest, bool ``(H, W)``, with the centre
        at ``n // 2``.

        Args:
            shape: (H, W) of the image.
        """
        index = np.rint(self.places() * shape).astype(int) + np.array(shape) // 2
        inside = ((index >= 0) & (index < shape)).all(axis=-1)
        found = np.zeros(shape, bool)
        found[tuple(index[inside].T)] = True
        return found

    def filled_side(self, shape: tuple[int, int], most: int) -> int:
        """The side of the largest square about the centre of the grid ``(H // 2, W // 2)`` of which every position has,
        in all slices, a point so near that spokes, or turns of a spiral, are no more than a position apart, about.

        Args:
            shape: (H, W) of the image.
            most: a larger square is not looked for.
        """
        from scipy.spatial import KDTree

        found = min(*shape, most)
        for index in range(self.slices or 1):
            places = KDTree(self.places(index) * shape)
            for side in range(1, found + 1):
                along = np.arange(side) - side // 2
                square = np.stack(np.meshgrid(along, along), axis=-1)
                if not (places.query(square, distance_upper_bound=_NEAR)[0] <= _NEAR).all():
                    found = side - 1
                    break
        return found

    def __str__(self) -> str:
        return f"{self.readouts} readouts of {self.samples}"

    def __repr__(self) -> str:
        return f"Trajectory({self})"

    def _repr_html_(self) -> str:
        """What a notebook shows of it: its density."""
        from invdiff.pictures import brightness_of

        rows = {"samples": str(self), "reach": f"{self.radius.max():.3g} cycles per pixel"}
        return card("Trajectory", rows, {"density": brightness_of(self.density((_SIDE, _SIDE)))})

    def plot(self) -> "Figure":
        """A figure of its density."""
        from invdiff.pictures import Column, brightness_of, draw_columns

        brightness = brightness_of(self.density((_SIDE, _SIDE)))
        return draw_columns([Column(str(self), brightness[None], 1.0)])

    def density(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """How many samples of the first slice lie near each position of the grid, as of `sampling_density`, ``(H, W)``.

        Args:
            shape: (H, W) of the image.
        """
        return sampling_density(self.places(), shape)

    def delayed(self, samples: float) -> "Trajectory":
        """The points where a scanner is whose gradients come late: every sample is where an earlier one should be.

        Args:
            samples: by so many, of either sign; ends of readouts go on straight, and stay within the grid.

        Raises:
            InputError: it is not finite.
        """
        if not np.isfinite(samples):
            raise InputError(f"A delay is a finite number of samples, not {samples}.")
        time = np.arange(self.samples) - samples
        before = np.clip(np.floor(time).astype(int), 0, max(self.samples - 2, 0))
        after = np.minimum(before + 1, self.samples - 1)
        share = (time - before)[:, None]
        moved = (1 - share) * self.points[..., before, :] + share * self.points[..., after, :]
        return Trajectory(np.clip(moved, -0.5, 0.5), self.measured)


def radial(spokes: int, samples: int, angle: float = GOLDEN_ANGLE) -> Trajectory:
    """Spokes through the centre of k-space, which sample ``samples // 2`` is at.

    Args:
        spokes: how many.
        samples: of each, from -1/2 cycle per pixel on; as many as the image's longer side, or twice as many, where the
            readout is oversampled.
        angle: from one to the next, in radians; the first is along the first axis.

    Raises:
        InputError: there are no spokes, or fewer than two samples.
    """
    if spokes < 1 or samples < 2:
        raise InputError(f"A radial scan has a spoke or more, of two samples at least, not {spokes} of {samples}.")
    along = (np.arange(samples) - samples // 2) / samples
    turned = angle * np.arange(spokes)
    directions = np.stack([np.cos(turned), np.sin(turned)], axis=-1)
    return Trajectory(along[:, None] * directions[:, None])


def spiral(
    interleaves: int, side: int, acceleration: float = 1.0, centre_fraction: float = 0.0, oversampling: int = 2
) -> Trajectory:
    """Spirals from the centre outwards, of constant speed, each turned by an equal part of the circle.

    Neighbouring turns are 1 / side apart in the centre, where all interleaves together fill k-space. From there their
    distance grows linearly to ``acceleration`` times that at the edge; it stays, as Archimedes' spiral has it, at an
    acceleration of one.

    Args:
        interleaves: how many.
        side: of the image, the longer one, in pixels.
        acceleration: at the edge of k-space, one or more.
        centre_fraction: the part of k-space's side that is filled.
        oversampling: samples for each 1 / side along the spiral.

    Raises:
        InputError: a number is less than one, or the part that is filled none.
    """
    if min(interleaves, side, oversampling) < 1 or not 1 <= acceleration < np.inf or not 0 <= centre_fraction <= 1:
        raise InputError(
            f"A spiral scan has interleaves, a side, an acceleration and an oversampling of one or more, and a centre "
            f"of zero to one, not {interleaves}, {side}, {acceleration:g}, {oversampling} and {centre_fraction:g}."
        )
    radius = np.linspace(0, 0.5, 64 * side)
    beyond = np.clip((2 * radius - centre_fraction) / max(1 - centre_fraction, 1e-9), 0, 1)
    turning = 2 * np.pi * side / (interleaves * (1 + (acceleration - 1) * beyond))  # by a step outwards
    step = radius[1]
    turned = np.concatenate([[0], np.cumsum((turning[1:] + turning[:-1]) / 2)]) * step
    speed = np.hypot(1, radius * turning)
    length = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2)]) * step
    even = np.linspace(0, length[-1], max(int(length[-1] * side * oversampling), 2))
    angles = np.interp(even, length, turned) + 2 * np.pi * np.arange(interleaves)[:, None] / interleaves
    along = np.interp(even, length, radius)[:, None]
    return Trajectory(along * np.stack([np.cos(angles), np.sin(angles)], axis=-1))
