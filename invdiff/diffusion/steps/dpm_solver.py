"""The second-order multistep solvers DPM-Solver++(2M) and SDE-DPM-Solver++(2M)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.grids import Levels
from invdiff.diffusion.steps.base import Predictor, State


@dataclass(frozen=True)
class DPMSolver2M(Predictor):
    """x' = (beta'/beta) x - alpha' (e^-h - 1) D (Lu 2022, algorithm 2), D extrapolated from the last two estimates.
    Deterministic.

    The memory holds the previous estimate, so a consistency step in the same list makes it inexact: prefer guidance.
    """

    cites: ClassVar[tuple[str, ...]] = ("lu2022",)

    def __call__(self, state: State, context: Context) -> State:
        levels, k = context.levels, state.k
        mean = context.estimate(state.x, k).mean
        if k + 1 == levels.steps:
            return state.at(levels.alpha[k + 1] * mean, k + 1)
        h = _half_log_snr(levels, k + 1) - _half_log_snr(levels, k)
        before = _half_log_snr(levels, k) - _half_log_snr(levels, k - 1) if "previous_mean" in state.memory else 0.0
        extrapolated = mean
        if before > 0:  # of two estimates at one level nothing is extrapolated
            extrapolated = mean + h / (2 * before) * (mean - state.memory["previous_mean"])
        return state.at(self.moved(state.x, extrapolated, h, k, context), k + 1, previous_mean=mean)

    def moved(self, x: Tensor, D: Tensor, h: float, k: int, context: Context) -> Tensor:
        """The state at level ``k`` + 1, for a step h in ln(alpha / beta)."""
        levels = context.levels
        return levels.beta[k + 1] / levels.beta[k] * x - levels.alpha[k + 1] * math.expm1(-h) * D


@dataclass(frozen=True)
class DPMSolver2MSDE(DPMSolver2M):
    """x' = (beta'/beta) e^-h x + alpha' (1 - e^-2h) D + beta' sqrt(1 - e^-2h) z (Lu 2022, app. B.3, SDE-DPM-Solver++
    (2M)), D as in `DPMSolver2M`: the reverse SDE in place of the flow."""

    def moved(self, x: Tensor, D: Tensor, h: float, k: int, context: Context) -> Tensor:
        alpha, beta, renewed = context.levels.alpha[k + 1], context.levels.beta[k + 1], -math.expm1(-2 * h)
        kept = beta / context.levels.beta[k] * math.exp(-h)
        return kept * x + alpha * renewed * D + beta * math.sqrt(max(0.0, renewed)) * context.noise.like(x)


def _half_log_snr(levels: Levels, k: int) -> float:
    return -math.log(levels.sigma(k))
