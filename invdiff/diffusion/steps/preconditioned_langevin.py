"""Langevin dynamics of the posterior, preconditioned by the data."""

import math
from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.context import Context
from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.parameters import Relaxation, Repetitions
from invdiff.diffusion.part import Part
from invdiff.diffusion.steps.base import State, Step


@dataclass(frozen=True)
class PreconditionedLangevin(Step):
    """The preconditioned unadjusted Langevin algorithm, pULA (Blumenthal 2025):

        x + g M (score(x) + Aᴴ(y - A x) / s^2) + sqrt(2 g) M^(1/2) z,   M = (AᴴA / s^2 + I / sigma^2)^-1

    in units in which alpha is one, repeated: the exact likelihood with the diffused prior at every level. Where no
    noise is left it does nothing.

    Args:
        g: length of the step; BART's ``sample`` takes 0.5.
        steps: how often it is repeated at each level; BART's ``sample`` takes 1.
        covariance: M.

    Raises:
        InputError: g is not in (0, 2), or steps not at least one.
    """

    g: Relaxation = 0.5
    steps: Repetitions = 1
    covariance: DataCovariance = DataCovariance()
    needs = frozenset({"measurement", "data", "noise_std", "no guidance", "density"})
    cites: ClassVar[tuple[str, ...]] = ("blumenthal2025",)

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.covariance,)

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return self.steps if k < steps else 0

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        if k >= levels.steps:
            return state
        x, sigma, alpha = state.x / levels.alpha[k], levels.sigma(k), levels.alpha[k]
        for _ in range(self.steps):
            towards_prior = context.denoise(alpha * x, k) - x  # sigma^2 score
            towards_data = context.adjoint_y - context.operator.gram(x)
            x = x + self.covariance.move(
                sigma, self.g * towards_prior, self.g * towards_data, math.sqrt(2 * self.g), context
            )
        return state.at(alpha * x)
