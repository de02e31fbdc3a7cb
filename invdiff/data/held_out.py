"""Samples to hold back from a method, so that it can be asked to predict them."""

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import calibration_region, central
from invdiff.data.trajectory import Trajectory
from invdiff.errors import InputError

Mask = NDArray[np.bool_]


def held_out(sampled: Mask, fraction: float, seed: int, *, least: int = 1) -> Mask:
    """Which samples to hold back, bool ``(H, W)``: whole lines where lines were sampled whole, else points.

    Args:
        sampled: bool ``(H, W)``.
        fraction: of the lines, or points, outside the calibration region.
        seed: of the draw, which is another one for another pattern.
        least: so many at any rate.

    Raises:
        InputError: fewer than the least, or none, are sampled outside the calibration region.
    """
    if (sampled == sampled[:, :1]).all() and not sampled.all():  # lines along the other axis
        return held_out(sampled.T, fraction, seed, least=least).T
    free = sampled.copy()
    free[central(sampled.shape, calibration_region(sampled))] = False
    units = free[:1] if (sampled == sampled[0]).all() else free
    where = np.argwhere(units)
    if not len(where):
        raise InputError(
            "nothing is sampled outside the calibration region, so nothing can be held back; undersample it."
        )
    if len(where) < least:
        raise InputError(
            f"{len(where)} line(s) or point(s) are sampled outside the calibration region, too few to hold {least} "
            "of them back."
        )
    half = np.array(units.shape) // 2
    outwards = where[np.argsort(np.linalg.norm((where - half) / units.shape, axis=1), kind="stable")]
    drawn_for = crc32(np.ascontiguousarray(sampled).tobytes())  # else all scans would hold back lines of one place
    rings = np.array_split(outwards, max(round(fraction * len(where)), least))
    held = np.zeros_like(units)
    held[
        tuple(np.array([np.random.default_rng([seed, drawn_for, i]).choice(ring) for i, ring in enumerate(rings)]).T)
    ] = True
    return np.broadcast_to(held, sampled.shape)


def held_readouts(
    trajectory: Trajectory, shape: tuple[int, int], filled: int, fraction: float, seed: int, *, least: int = 1
) -> Mask:
    """Which samples along a trajectory to hold back, bool ``(samples,)``, as `Trajectory.places` has them: of whole
    readouts, spread over the directions that they end in, all that lie outside the square about the centre that
    readouts fill; where slices have trajectories of their own, in all of them, and in the directions of the first.

    Args:
        trajectory: of the scan.
        shape: (H, W) of the image.
        filled: side of the square, in positions of the grid.
        fraction: of the readouts.
        seed: of the draw.
        least: so many at any rate.

    Raises:
        InputError: there are too few readouts to hold the least back and show as many.
    """
    beyond = np.any(np.abs(trajectory.points * shape) > filled / 2, axis=-1)
    outside: Mask = beyond.reshape(-1, *beyond.shape[-2:]).all(axis=0) & trajectory.where
    where = np.flatnonzero(outside.any(axis=1))
    if len(where) < 2 * least:
        raise InputError(f"{len(where)} readouts leave the centre, too few to hold {least} of them back.")
    last = trajectory.samples - 1 - np.argmax(trajectory.where[:, ::-1], axis=1)
    ends = trajectory.select([0]).points.reshape(-1, trajectory.samples, 2)[where, last[where]]
    round_about = where[np.argsort(np.arctan2(ends[:, 0], ends[:, 1]) % np.pi, kind="stable")]
    parts = np.array_split(round_about, max(round(fraction * len(where)), least))
    held = np.zeros_like(outside)
    for i, part in enumerate(parts):
        chosen = np.random.default_rng([seed, i]).choice(part)
        held[chosen] = outside[chosen]
    return trajectory.sampled(held)
