"""What masks are put together from: lines, central blocks, and checks of what was asked for."""

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError

Mask = NDArray[np.bool_]
Lines = NDArray[np.bool_]
Shape = tuple[int, int]


def checked(shape: tuple[int, ...]) -> Shape:
    """The shape, if it is one of an image."""
    if len(shape) != 2 or min(shape) < 1:
        raise InputError(f"A mask has a shape (H, W), not {shape}.")
    return shape[0], shape[1]


def check_acceleration(acceleration: float) -> None:
    """Refuse what is no acceleration."""
    if not 1 <= acceleration <= 1e6:
        raise InputError(f"An acceleration is 1 (fully sampled) or more, at most 1e6, not {acceleration}.")


def check_room(budget: float, centre: int, what: str) -> None:
    """Refuse a centre that is larger than all that may be sampled."""
    if centre > budget:
        raise InputError(
            f"The centre alone takes {centre} {what} but the acceleration allows {int(budget)}; "
            "ask for a smaller centre fraction or a lower acceleration."
        )


def check_fraction(centre_fraction: float) -> float:
    """The fraction, if it is one."""
    if not 0 <= centre_fraction <= 1:
        raise InputError(f"A centre fraction lies between 0 and 1, not {centre_fraction}.")
    return centre_fraction


def fraction(n: int, centre_fraction: float) -> int:
    """So much of n, rounded down."""
    return int(n * check_fraction(centre_fraction) + 1e-9)


def block(width: int, start: int, lines: int) -> Lines:
    """Neighbouring lines."""
    chosen = np.zeros(width, dtype=bool)
    chosen[start : start + lines] = True
    return chosen


def centred(width: int, lines: int) -> Lines:
    """So many lines around the centre ``W // 2``."""
    if not 0 <= lines <= width:
        raise InputError(f"A centre of {lines} lines does not fit an image of {width} lines.")
    return block(width, width // 2 - lines // 2, lines)


def along_readout(lines: Lines, height: int) -> Mask:
    """Lines ``(W,)`` as a mask."""
    return np.tile(lines, (height, 1))


def draw(given: Mask, density: NDArray[np.float64], acceleration: float, seed: int) -> Mask:
    """What is given and, without replacement, as many others by their density as make ``floor(size / acceleration)``
    in all; lines or points.
    """
    check_acceleration(acceleration)
    kept, budget = int(np.count_nonzero(given)), int(given.size / acceleration)
    check_room(budget, kept, "lines" if given.ndim == 1 else "points")
    weight = np.where(given, 0, density).ravel()
    chosen = given.copy().ravel()
    if budget > kept:
        rng = np.random.default_rng(seed)
        chosen[rng.choice(weight.size, budget - kept, replace=False, p=weight / weight.sum())] = True
    return chosen.reshape(given.shape)
