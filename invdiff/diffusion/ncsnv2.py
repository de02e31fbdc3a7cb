"""How to choose levels and step sizes of annealed Langevin dynamics: the rules of NCSNv2 (Song & Ermon 2020, "Improved
Techniques for Training Score-Based Generative Models").

They are for a `Geometric` grid under `VE` and for `AnnealedLangevin`, whose ``snr`` is sqrt(epsilon / 2) / sigma_min.
A dimension is a count of real numbers: two for each pixel of a complex image.
"""

import math

import torch
from torch import Tensor

from invdiff.errors import InputError


def largest_sigma(images: Tensor, together: int = 256) -> float:
    """The first noise level, technique 1: the largest distance between any two training images.

    Args:
        images: ``(images, *)``, real or complex, in the prior's units.
        together: how many images are compared with as many others at a time, so that memory stays small.

    Raises:
        InputError: no two images differ, they hold NaN or infinity, or ``together`` is not positive.
    """
    if together < 1:
        raise InputError(f"At least one image is compared at a time, but got together={together}.")
    rows = (torch.view_as_real(images) if images.is_complex() else images).flatten(1)
    centre = rows.mean(0)  # distances lose no digits where images are far from zero and near each other
    chunks = rows.split(together)
    largest = max(
        float(torch.cdist(a - centre, b - centre).max()) for i, a in enumerate(chunks) for b in chunks[: i + 1]
    )
    if not 0 < largest < math.inf:
        raise InputError(
            f"The largest distance among {len(rows)} image(s) is {largest}, no noise level; give at least two "
            "that differ, without NaN or infinity."
        )
    return largest


def level_ratio(dimension: int) -> float:
    """g = sigma_(i-1) / sigma_i of the geometric levels, technique 2.

    Noise of one level has a radius within three standard deviations of the next level's in half of all draws:
    Φ(s (g - 1) + 3 g) - Φ(s (g - 1) - 3 g) = 1/2 with s = sqrt(2 dimension).

    Raises:
        InputError: the dimension is below 5, where no ratio does this.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    s = math.sqrt(2 * dimension) if dimension > 0 else 0.0
    if s <= 3:
        raise InputError(f"Levels overlap at any ratio in {dimension} dimension(s); there must be at least 5.")

    def overlap(g: float) -> float:
        return float(ndtr(s * (g - 1) + 3 * g) - ndtr(s * (g - 1) - 3 * g))

    # the second Φ is 1/2 at g = 1 + 3 / (s - 3), and larger beyond
    return float(brentq(lambda g: overlap(g) - 0.5, 1.0, 1 + 6 / (s - 3)))


def number_of_levels(sigma_max: float, sigma_min: float, dimension: int) -> int:
    """L, the fewest geometric levels from sigma_max to sigma_min whose ratio is at most `level_ratio` (technique 2).

    Raises:
        InputError: not 0 < sigma_min < sigma_max, or the dimension is below 5.
    """
    if not 0 < sigma_min < sigma_max < math.inf:
        raise InputError(f"Levels need 0 < sigma_min < sigma_max but got {sigma_min} and {sigma_max}.")
    return 1 + math.ceil(math.log(sigma_max / sigma_min) / math.log(level_ratio(dimension)))


def variance_ratio(epsilon: float, sigma_min: float, ratio: float, inner_steps: int) -> float:
    """A level's variance after its Langevin steps over sigma_i^2: one where the steps are right (proposition 3).

    For images that are all one: (1 - e)^(2 n) ratio^2 + 2 e (1 + (1 - e)^2 + ... + (1 - e)^(2 n - 2)), with
    e = epsilon / sigma_min^2 and n inner steps of length epsilon sigma_i^2 / sigma_min^2, which begin with the noise of
    the level before, sigma_(i-1) = ratio sigma_i.

    Raises:
        InputError: epsilon is not between zero and 2 sigma_min^2, from where on steps diverge; sigma_min or inner_steps
            is not positive; or ratio is not above one.
    """
    _check(sigma_min, ratio, inner_steps)
    if not 0 < epsilon < 2 * sigma_min**2:
        raise InputError(
            f"Langevin steps converge for epsilon between 0 and 2 sigma_min^2 = {2 * sigma_min**2:.3g}, not {epsilon}."
        )
    return _ratio(epsilon / sigma_min**2, ratio, inner_steps)


def step_size(sigma_min: float, ratio: float, inner_steps: int) -> float:
    """The epsilon whose `variance_ratio` is nearest to one, technique 4; choose the inner steps by what they cost.

    Raises:
        InputError: sigma_min or inner_steps is not positive, or ratio not above one.
    """
    from scipy.optimize import minimize_scalar

    _check(sigma_min, ratio, inner_steps)
    # every such variance is above one, so the nearest is the smallest
    found = minimize_scalar(
        lambda log_e: _ratio(math.exp(log_e), ratio, inner_steps), bounds=(math.log(1e-9), 0.0), options={"xatol": 1e-9}
    )
    return math.exp(float(found.x)) * sigma_min**2


def _ratio(e: float, ratio: float, inner_steps: int) -> float:
    kept = (1 - e) ** 2
    return kept**inner_steps * ratio**2 + 2 * e * sum(kept**n for n in range(inner_steps))


def _check(sigma_min: float, ratio: float, inner_steps: int) -> None:
    if not (0 < sigma_min < math.inf and 1 < ratio < math.inf and inner_steps >= 1):
        raise InputError(
            "A step size needs sigma_min > 0, ratio > 1 and inner_steps >= 1 but got "
            f"sigma_min={sigma_min}, ratio={ratio}, inner_steps={inner_steps}."
        )
