"""Which points of k-space to sample: seeded masks, and questions about masks.

Every mask is bool ``(H, W)``, true where sampled. Lines run along the readout (axis -2) and vary along the last axis.
``acceleration`` asks for one point in so many; `achieved_acceleration` tells what came of it. Masks as the code of
papers draws them are in `invdiff.data.legacy_masks`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from invdiff.data import legacy_masks
from invdiff.data.golden_angle import GOLDEN_ANGLE
from invdiff.data.mask_parts import (
    Mask,
    Shape,
    along_readout,
    centred,
    check_acceleration,
    check_room,
    checked,
    draw,
    fraction,
)
from invdiff.errors import InputError


def equispaced(shape: Shape, every: int = 4, centre_lines: int = 20, offset: int = 0) -> Mask:
    """All lines whose index is ``offset`` modulo ``every``, and ``centre_lines`` lines around the centre."""
    height, width = checked(shape)
    if every < 1:
        raise InputError(f"Equispaced lines need every >= 1 (1 keeps all lines), not {every}.")
    lines = centred(width, centre_lines)
    lines[offset % every :: every] = True
    return along_readout(lines, height)


def equispaced_lines(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """`equispaced`, spelt as the other masks: every ``acceleration``-th line from an offset drawn by the seed.

    The centre comes on top, so fewer lines are saved than ``acceleration`` says.
    """
    check_acceleration(acceleration)
    every = round(acceleration)
    offset = int(np.random.default_rng(seed).integers(every))
    return equispaced(shape, every, fraction(shape[1], centre_fraction), offset)


def random_lines(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """Exactly ``floor(W / acceleration)`` lines: the centre, and the rest uniformly at random without replacement.

    The masks of Jalal et al., Robust compressed sensing MRI with deep generative priors (NeurIPS 2021), but for where
    an odd number of central lines lies.
    """
    height, width = checked(shape)
    density = np.ones(width)
    lines = centred(width, fraction(width, centre_fraction))
    return along_readout(draw(lines, density, acceleration, seed), height)


def bernoulli_lines(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """The centre, and each other line by a coin such that ``W / acceleration`` lines are expected: fastMRI's random
    mask.

    Zbontar et al., fastMRI: an open dataset and benchmarks for accelerated MRI (arXiv 1811.08839).
    """
    height, width = checked(shape)
    check_acceleration(acceleration)
    centre = fraction(width, centre_fraction)
    check_room(width / acceleration, centre, "lines")
    lines = centred(width, centre)
    probability = (width / acceleration - centre) / max(width - centre, 1)
    lines |= np.random.default_rng(seed).random(width) < probability
    return along_readout(lines, height)


def gaussian_lines(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """Exactly ``floor(W / acceleration)`` lines: the centre, and the rest from a Gaussian density (deviation W / 6)."""
    height, width = checked(shape)
    lines = centred(width, fraction(width, centre_fraction))
    return along_readout(draw(lines, _bell(width), acceleration, seed), height)


def gaussian_points(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """Exactly ``floor(H W / acceleration)`` points: a central rectangle, and the rest from a 2-D Gaussian density."""
    height, width = checked(shape)
    density = np.outer(_bell(height), _bell(width))
    return draw(_rectangle(shape, centre_fraction), density, acceleration, seed)


def uniform_points(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """Exactly ``floor(H W / acceleration)`` points: a central rectangle, and the rest uniformly at random."""
    return draw(_rectangle(shape, centre_fraction), np.ones(checked(shape)), acceleration, seed)


def poisson_disc(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """Variable-density Poisson disc with a fully sampled central rectangle and empty corners, by `sigpy.mri.poisson`.

    The acceleration is met to within 0.1.
    """
    from sigpy.mri import poisson

    checked(shape)
    check_acceleration(acceleration)
    if acceleration <= 1.1:
        raise InputError(f"A Poisson disc needs an acceleration above 1.1, not {acceleration}.")
    calibration = tuple(fraction(n, centre_fraction) for n in shape)
    check_room(shape[0] * shape[1] / acceleration, calibration[0] * calibration[1], "points")
    try:
        mask = poisson(shape, acceleration, calib=calibration, dtype=np.float32, seed=seed)
    except ValueError as error:
        raise InputError(
            f"No Poisson disc of shape {shape} reaches an acceleration of {acceleration} with a central fraction of "
            f"{centre_fraction}; ask for a smaller centre or another acceleration."
        ) from error
    return np.asarray(mask, dtype=bool)


def radial(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.0, seed: int = 0) -> Mask:
    """Spokes through the centre on the grid, each turned by the golden angle, added until the acceleration is reached.

    The seed turns the first spoke.
    """
    height, width = checked(shape)
    if not acceleration >= 1.5:
        raise InputError(
            f"Spokes leave the corners of k-space empty: ask for an acceleration of 1.5 or more, not {acceleration}."
        )
    mask = _rectangle(shape, centre_fraction)
    check_room(mask.size / acceleration, int(mask.sum()), "points")
    along = np.linspace(-1, 1, 2 * max(shape) + 1)
    angle = np.random.default_rng(seed).random() * np.pi
    while mask.sum() < mask.size / acceleration:
        rows = np.rint(height // 2 + along * np.sin(angle) * height / 2).astype(int)
        columns = np.rint(width // 2 + along * np.cos(angle) * width / 2).astype(int)
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        mask[rows[inside], columns[inside]] = True
        angle += GOLDEN_ANGLE
    return mask


MASKS: dict[str, Callable[[Shape, float, float, int], Mask]] = {
    "equispaced": equispaced_lines,
    "random": random_lines,
    "bernoulli": bernoulli_lines,
    "gaussian": gaussian_lines,
    "gaussian2d": gaussian_points,
    "uniform2d": uniform_points,
    "poisson": poisson_disc,
    "radial": radial,
    "equispaced-fastmri": legacy_masks.equispaced_fastmri,
    "equispaced-jalal": legacy_masks.equispaced_jalal,
    "random-jalal": legacy_masks.random_jalal,
    "bernoulli-fastmri": legacy_masks.bernoulli_fastmri,
    "uniform-scoremri": legacy_masks.uniform_scoremri,
    "gaussian-scoremri": legacy_masks.gaussian_scoremri,
    "gaussian2d-scoremri": legacy_masks.gaussian2d_scoremri,
    "uniform2d-scoremri": legacy_masks.uniform2d_scoremri,
}
"""Masks by name: each is called with (shape, acceleration, centre_fraction, seed). A name with a hyphen draws as the
code of that paper does, whatever acceleration comes of it.
"""


def achieved_acceleration(mask: Mask | None) -> float:
    """All points over sampled points; None is fully sampled."""
    return 1.0 if mask is None else mask.size / np.count_nonzero(mask)


def calibration_region(mask: Mask) -> tuple[int, int]:
    """(h, w) of the largest fully sampled rectangle about the centre ``(H // 2, W // 2)``; (0, 0) where there is none.

    A side of n covers the indices from ``N // 2 - n // 2``.
    """
    height, width = checked(mask.shape)
    ordered = mask[np.ix_(_outwards(height), _outwards(width))].astype(bool)
    full = np.logical_and.accumulate(np.logical_and.accumulate(ordered, axis=0), axis=1)
    areas = full * np.outer(np.arange(1, height + 1), np.arange(1, width + 1))
    h, w = np.unravel_index(np.argmax(areas), areas.shape)
    return (int(h) + 1, int(w) + 1) if areas.any() else (0, 0)


def central(shape: tuple[int, ...], sides: Sequence[int]) -> tuple[slice, ...]:
    """Where the block of these sides about the centre ``(H // 2, W // 2)`` is, whose own centre ``(h // 2, w // 2)`` is
    there, as of `calibration_region`."""
    return tuple(slice(n // 2 - side // 2, n // 2 - side // 2 + side) for n, side in zip(shape, sides, strict=True))


def _outwards(n: int) -> NDArray[np.intp]:
    """Indices in the order in which a growing centred block takes them in: c, c - 1, c + 1, c - 2, ..."""
    size = np.arange(1, n + 1)
    return n // 2 + np.where(size % 2, size // 2, -(size // 2))


def _rectangle(shape: Shape, centre_fraction: float) -> Mask:
    sides = [centred(n, fraction(n, centre_fraction)) for n in checked(shape)]
    return np.logical_and.outer(sides[0], sides[1])


def _bell(n: int) -> NDArray[np.float64]:
    return np.exp(-0.5 * ((np.arange(n) - n // 2) / (n / 6)) ** 2)
