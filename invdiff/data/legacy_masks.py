"""Masks as the public code of papers draws them, so that their figures can be repeated.

They differ from `invdiff.data.masks` in how many lines come out, which can be far from what ``acceleration`` asks for
(see `achieved_acceleration`), and in where the central lines lie. Distributions are the papers'; random numbers are
NumPy's, seeded.
"""

import numpy as np
from numpy.typing import NDArray

from invdiff.data.mask_parts import (
    Mask,
    Shape,
    along_readout,
    block,
    centred,
    check_acceleration,
    check_fraction,
    check_room,
    checked,
    draw,
    fraction,
)
from invdiff.errors import InputError


def equispaced_fastmri(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """``round(W centre_fraction)`` central lines, and others so far apart that both together make the acceleration.

    The offset is half the distance, so nothing is random and the seed is not looked at. As Song, Shen, Xing & Ermon
    (Solving inverse problems in medical imaging with score-based generative models, 2021) use fastMRI's equispaced
    mask; theirs of n lines has an acceleration of W / n and a centre fraction of n / 1000.
    """
    height, width = checked(shape)
    low = _fastmri_centre(width, acceleration, centre_fraction)
    # At an acceleration of one, the centre may take up everything.
    distance = acceleration * (low - width) / (low * acceleration - width) if low < width else 1.0
    lines = block(width, (width - low + 1) // 2, low)
    lines[np.round(np.arange(round(distance) // 2, width - 1, distance)).astype(int)] = True
    return along_readout(lines, height)


def bernoulli_fastmri(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """``round(W centre_fraction)`` central lines, and each other by a coin, so that ``W / acceleration`` are expected.

    fastMRI's random mask (Zbontar et al., arXiv 1811.08839), which MC-DDPM uses (Xie & Li, Measurement-conditioned
    denoising diffusion probabilistic model for under-sampled medical image reconstruction, 2022).
    """
    height, width = checked(shape)
    low = _fastmri_centre(width, acceleration, centre_fraction)
    probability = (width / acceleration - low) / max(width - low, 1)
    lines = np.random.default_rng(seed).random(width) < probability
    return along_readout(lines | block(width, (width - low + 1) // 2, low), height)


def random_jalal(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """Exactly ``floor(W / acceleration)`` lines: the centre from ``(W - n) // 2``, the rest without replacement.

    Jalal et al., Robust compressed sensing MRI with deep generative priors (NeurIPS 2021), who take a centre fraction
    of 0.08 up to an acceleration of 6 and 0.04 beyond; InverseBench draws alike.
    """
    height, width = checked(shape)
    return along_readout(draw(_jalal_centre(width, centre_fraction), np.ones(width), acceleration, seed), height)


def equispaced_jalal(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """The centre of `random_jalal`, and every ``floor(acceleration)``-th of the lines outside it, from the first.

    More than ``W / acceleration`` lines come of it. Nothing is random and the seed is not looked at.
    """
    height, width = checked(shape)
    check_acceleration(acceleration)
    lines = _jalal_centre(width, centre_fraction)
    lines[np.flatnonzero(~lines)[:: int(acceleration)]] = True
    return along_readout(lines, height)


def uniform_scoremri(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """The centre, and with replacement as many draws from all lines as make ``floor(W / acceleration)`` with it.

    Fewer lines come of it. Chung & Ye, Score-based diffusion models for accelerated MRI (2022); DDS uses it too.
    """
    height, width = checked(shape)
    check_acceleration(acceleration)
    centre, budget = fraction(width, centre_fraction), int(width / acceleration)
    check_room(budget, centre, "lines")
    lines = centred(width, centre)
    lines[np.random.default_rng(seed).choice(width, budget - centre)] = True
    return along_readout(lines, height)


def gaussian_scoremri(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.08, seed: int = 0) -> Mask:
    """The centre, and ``1.2 floor(W / acceleration)`` draws with replacement from a Gaussian of deviation 15 W / 128.

    Chung & Ye 2022.
    """
    height, width = checked(shape)
    check_acceleration(acceleration)
    lines = centred(width, fraction(width, centre_fraction))
    rng = np.random.default_rng(seed)
    lines[_bell(rng, width, 15 / 128 * width, int(1.2 * int(width / acceleration)))] = True
    return along_readout(lines, height)


def gaussian2d_scoremri(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.0, seed: int = 0) -> Mask:
    """``floor(H W / acceleration)`` draws of points with replacement from a Gaussian of variance 1.5 / 128 of each
    side squared.

    Little more than half as many points come of it. There is no fully sampled centre, so ``centre_fraction`` is not
    looked at. Chung & Ye 2022, who draw squares.
    """
    height, width = checked(shape)
    check_acceleration(acceleration)
    rng, count = np.random.default_rng(seed), int(height * width / acceleration)
    mask = np.zeros(shape, dtype=bool)
    rows, columns = (_bell(rng, n, n * np.sqrt(1.5 / 128), count) for n in (height, width))
    mask[rows, columns] = True
    return mask


def uniform2d_scoremri(shape: Shape, acceleration: float = 4, centre_fraction: float = 0.0, seed: int = 0) -> Mask:
    """``floor(H W / acceleration)`` draws with replacement from all points, so fewer come of it.

    There is no fully sampled centre, so ``centre_fraction`` is not looked at. Chung & Ye 2022.
    """
    height, width = checked(shape)
    check_acceleration(acceleration)
    mask = np.zeros(height * width, dtype=bool)
    mask[np.random.default_rng(seed).choice(mask.size, int(mask.size / acceleration))] = True
    return mask.reshape(shape)


def _fastmri_centre(width: int, acceleration: float, centre_fraction: float) -> int:
    check_acceleration(acceleration)
    low = round(width * check_fraction(centre_fraction))
    if acceleration > 1 and low * acceleration >= width:
        raise InputError(
            f"A centre of {low} of {width} lines leaves none for the rest at an acceleration of {acceleration}; ask "
            "for a smaller centre fraction or a lower acceleration."
        )
    return low


def _jalal_centre(width: int, centre_fraction: float) -> Mask:
    lines = fraction(width, centre_fraction)
    return block(width, (width - lines) // 2, lines)


def _bell(rng: np.random.Generator, n: int, deviation: float, count: int) -> NDArray[np.intp]:
    """Indices of Gaussian draws about ``n // 2``, rounded down and kept within the range."""
    indices: NDArray[np.intp] = np.clip(rng.normal(n // 2, deviation, count).astype(np.intp), 0, n - 1)
    return indices
