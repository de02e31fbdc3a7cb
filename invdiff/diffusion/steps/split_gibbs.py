"""Split Gibbs sampling: prior and data by turns."""

import math
from dataclasses import dataclass
from typing import ClassVar

from invdiff.diffusion.clean_draw import CleanDraw, SpectralDraw
from invdiff.diffusion.context import Context
from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.parameters import Relaxation
from invdiff.diffusion.part import Part
from invdiff.diffusion.steps.base import Predictor, State
from invdiff.diffusion.steps.ddim import Renoise


@dataclass(frozen=True)
class SplitGibbs(Predictor):
    """A clean image x_0 of the prior given x, and then x given x_0 and the data (Vono 2019, algorithm 1; PnP-DM, Wu
    2024, algorithm 1), their distance t that of the next level:

        x' = (1 - g) x + g M (x_0 / t^2 + Aᴴ y / s^2) + sqrt(2 g - g^2) M^(1/2) z,   M = (AᴴA / s^2 + I / t^2)^-1

    in units in which alpha is one. At one level it leaves the split posterior as it is at every g where x_0 is a draw;
    that one becomes the posterior as t falls. The last move gives x_0.

    Args:
        draw: how x_0 is drawn.
        g: 1 draws x anew, less goes a part of the way, more goes beyond (Adler 1981).
        covariance: M.

    Raises:
        InputError: g is not in (0, 2).
    """

    draw: CleanDraw = SpectralDraw()
    g: Relaxation = 1.0
    covariance: DataCovariance = DataCovariance()
    needs = frozenset({"measurement", "data", "noise_std", "no guidance"})
    cites: ClassVar[tuple[str, ...]] = ("vono2019", "wu2024", "adler1981")

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.draw, self.covariance)

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return self.draw.network_calls

    def without_data(self) -> Predictor:
        return Renoise(1.0)

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        x, clean = state.x / levels.alpha[k], self.draw(state.x, k, context)
        if k + 1 == levels.steps:
            return state.at(levels.alpha[k + 1] * clean, k + 1)
        t, heat = levels.sigma(k + 1), math.sqrt(self.g * (2 - self.g))
        drawn = self.covariance.move(t, self.g * clean, self.g * context.adjoint_y, heat, context)
        return state.at(levels.alpha[k + 1] * ((1 - self.g) * x + drawn), k + 1)
