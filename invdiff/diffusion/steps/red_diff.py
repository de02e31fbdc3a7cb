"""Reconstruction as an optimisation whose regulariser is a diffusion model."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.parameters import AdamRate, PriorWeight
from invdiff.diffusion.steps.base import Predictor, State
from invdiff.diffusion.steps.ddim import Renoise

_FIRST, _SECOND, _LEAST = 0.9, 0.99, 1e-8  # Adam's, in the paper's experiments


@dataclass(frozen=True)
class REDDiff(Predictor):
    """One step of Adam (Kingma & Ba 2015) on the image mu, down Aᴴ(A mu - y) + weight sigma (z_0 - z), where z_0 is the
    noise that the prior sees in alpha mu + beta z (Mardani 2024, RED-diff, algorithm 1, its weight that of sec. 4.3).

    The state is mu, and holds no noise of its level; z is fresh. One image that is likely, and no sample. Adam's second
    moment takes each real number by itself.

    Args:
        rate: of Adam, in units of the image.
        weight: lambda, of the regulariser against data of an operator of norm one.

    Raises:
        InputError: rate is not positive, or weight negative.
    """

    rate: AdamRate = 0.1
    weight: PriorWeight = 0.25
    needs = frozenset({"measurement", "data", "no guidance"})
    cites: ClassVar[tuple[str, ...]] = ("mardani2024", "kingma2015")

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return 1

    def without_data(self) -> Predictor:
        return Renoise(1.0)

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        alpha, beta = levels.alpha[k], levels.beta[k]
        mu, z = state.x / alpha, context.noise.like(state.x)
        seen = context.unguided(alpha * mu + beta * z, k).noise
        gradient = context.operator.gram(mu) - context.adjoint_y + self.weight * levels.sigma(k) * (seen - z)
        g = _reals(gradient)
        count = state.memory.get("updates", torch.zeros(())) + 1
        first = _FIRST * state.memory.get("first_moment", torch.zeros_like(g)) + (1 - _FIRST) * g
        second = _SECOND * state.memory.get("second_moment", torch.zeros_like(g)) + (1 - _SECOND) * g**2
        n = int(count)
        step = first / (1 - _FIRST**n) / ((second / (1 - _SECOND**n)).sqrt() + _LEAST)
        mu = mu - self.rate * (torch.view_as_complex(step) if mu.is_complex() else step)
        return state.at(levels.alpha[k + 1] * mu, k + 1, updates=count, first_moment=first, second_moment=second)


def _reals(x: Tensor) -> Tensor:
    return torch.view_as_real(x) if x.is_complex() else x
