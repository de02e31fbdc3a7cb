"""Decoupled annealing: every level's image is drawn anew."""

from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.clean_draw import CleanDraw, ReverseDraw
from invdiff.diffusion.context import Context
from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.part import Part
from invdiff.diffusion.steps.base import Predictor, State
from invdiff.diffusion.steps.ddim import Renoise


@dataclass(frozen=True)
class DAPS(Predictor):
    """x' = alpha' (u + sigma' z), u ~ p(y | u) N(u; x_0, sigma^2), x_0 the end of the probability flow from x (Zhang
    2025, DAPS, algorithm 1, with r_t = sigma_t).

    The paper draws u by Langevin dynamics; for a linear operator its law is normal, and drawn exactly here.

    Args:
        draw: how x_0 is found.
        covariance: of u.
    """

    draw: CleanDraw = ReverseDraw(5, eta=0.0)
    covariance: DataCovariance = DataCovariance()
    needs = frozenset({"measurement", "data", "noise_std", "no guidance"})
    cites: ClassVar[tuple[str, ...]] = ("zhang2025",)

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.draw, self.covariance)

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return self.draw.network_calls

    def without_data(self) -> Predictor:
        return Renoise(1.0)

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        clean = self.draw(state.x, k, context)
        u = self.covariance.move(levels.sigma(k), clean, context.adjoint_y, 1.0, context)
        x = levels.alpha[k + 1] * u
        if k + 1 < levels.steps:
            x = x + levels.beta[k + 1] * context.noise.like(x)
        return state.at(x, k + 1)
