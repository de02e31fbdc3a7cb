"""Noise of the data, a part of which is the noisy image's: a split that leaves the posterior as it is."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from invdiff.diffusion.data_covariance import DataCovariance

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context

_ROOT = (1.0, -1 / 2, -1 / 8, -1 / 16, -5 / 128, -7 / 256, -21 / 1024)  # of 1 - u, by powers of u
_LARGEST = 0.5  # u: the series is right to 3e-4


@dataclass(frozen=True)
class ExchangedNoise(DataCovariance):
    """M where the level t is high; where it is low, what leaves the posterior of x_0 as it is.

    With x = x_0 + t z, the data's noise is taken to be that of A x and the rest, y = A x + e of covariance s^2 I - t^2
    A Aᴴ, so that y given x_0 is what it was (exact data augmentation: Marnissi 2018). Then no system is solved:

        x | x_0, y ~ N(x_0 + (t/s)^2 Aᴴ(y - A x_0), t^2 (I - (t/s)^2 AᴴA))

    whose root is a power series in AᴴA, for an operator of norm one at most. Low is t^2 <= s^2 / 2.
    """

    cites: ClassVar[tuple[str, ...]] = ("papandreou2010", "marnissi2018")

    def move(self, t: float, of_image: Tensor, of_data: Tensor, heat: float, context: "Context") -> Tensor:
        ratio = t / context.known_noise_std if context.known_noise_std > 0 else math.inf
        u = ratio * ratio  # which overflows to infinity, where ** would raise
        if u > _LARGEST:
            return super().move(t, of_image, of_data, heat, context)
        gram = context.operator.gram
        power = context.noise.like(of_image)
        root = power
        for coefficient in _ROOT[1:]:
            power = u * gram(power)
            root = root + coefficient * power
        return of_image + u * (of_data - gram(of_image)) + heat * t * root
