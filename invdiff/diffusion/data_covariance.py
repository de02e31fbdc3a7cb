"""What the data and a noisy image leave open of an image: a normal law, moved in and drawn from by one linear solve."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from invdiff.diffusion.parameters import HeldBack
from invdiff.diffusion.part import Part
from invdiff.errors import InputError
from invdiff.operators import Identity
from invdiff.operators.inner_solve import Converged, InnerSolve

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context

_LARGEST = 1e6  # of the data's weight against the noisy image's: what single precision still tells from infinity


@dataclass(frozen=True)
class DataCovariance(Part):
    """M = (AᴴA / s^2 + I / t^2)^-1, the covariance of an image of which y = A x + s n and x + t n are known.

    M^(1/2) z is drawn by perturbing the right-hand side of a linear system, M (n_1 / t + Aᴴ n_2 / s) (Papandreou &
    Yuille 2010), together with its mean.

    Args:
        held_back: the least s, in units of t; s is the noise level where that is more. It bounds the condition number
            of the system as in `SplittingWeight`; draws are exact while it is at most s / t.
        solve: how the system is solved.

    Raises:
        InputError: held_back is negative.
    """

    held_back: HeldBack = 0.0
    solve: InnerSolve = Converged()
    needs = frozenset({"measurement", "data", "noise_std"})
    cites: ClassVar[tuple[str, ...]] = ("papandreou2010",)

    def noise_std(self, t: float, context: "Context") -> float:
        """s at the level t."""
        return max(context.known_noise_std, self.held_back * t)

    def check(self, context: "Context") -> None:
        t = context.levels.sigma(0)
        if t > math.sqrt(_LARGEST) * self.noise_std(t, context):
            raise InputError(
                f"The data's noise, {context.known_noise_std:.2g}, is too far below the highest level, {t:.2g}, to "
                f"draw images between them; hold the data's weight back, by held_back from {1 / math.sqrt(_LARGEST):g} "
                "on."
            )

    def move(self, t: float, of_image: Tensor, of_data: Tensor, heat: float, context: "Context") -> Tensor:
        """M (of_image / t^2 + of_data / s^2) + heat M^(1/2) z.

        Args:
            t: the level of the noisy image.
            of_image: pull of the noisy image, of the states' shape.
            of_data: pull of the data, of the states' shape or without samples: for the mean Aᴴ y.
            heat: standard deviation of the noise, in units of M^(1/2).
            context: the run.
        """
        operator, s = context.operator, self.noise_std(t, context)
        data = context.y.expand(len(of_image), *context.y.shape)
        image_pull = of_image + heat * t * context.noise.like(of_image)
        data_pull = of_data + heat * s * operator.H(context.noise.like(data))
        # the larger weight is one, so that the smaller is what is lost to rounding
        of_image_weight, of_data_weight = ((s / t) ** 2, 1.0) if t > s else (1.0, (t / s) ** 2)
        precision = of_image_weight * Identity(operator.domain_shape) + of_data_weight * operator.gram
        target = of_image_weight * image_pull + of_data_weight * data_pull
        return self.solve(precision, target, of_image, context.trace)
