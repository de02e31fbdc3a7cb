"""The annealed Langevin corrector of Song 2020."""

from dataclasses import dataclass

import torch

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import State, Step
from invdiff.errors import InputError


@dataclass(frozen=True)
class Langevin(Step):
    """x + e s + sqrt(2 e) z with e = 2 a (snr |z| / |s|)^2 (Song 2020, algorithms 4 and 5); a = 1 for VE, alpha_i for
    VP.

    Norms are taken over each sample, all real numbers together, so a sample does not depend on the others (the public
    code averages them over the batch). After the last predictor, where no noise is left, it does nothing.

    Args:
        snr: signal-to-noise ratio of the step.
        steps: how often it is repeated.

    Raises:
        InputError: snr is not positive or steps not at least one.
    """

    snr: float = 0.16
    steps: int = 1

    def __post_init__(self) -> None:
        if not self.snr > 0 or self.steps < 1:
            raise InputError(f"Langevin needs snr > 0 and steps >= 1 but got snr={self.snr}, steps={self.steps}.")

    def network_calls(self, k: int, steps: int) -> int:
        return self.steps if k < steps else 0

    def __call__(self, state: State, context: Context) -> State:
        if state.k >= context.levels.steps:
            return state
        r, _ = context.levels.kernel(state.k)
        x = state.x
        for _ in range(self.steps):
            score, noise = context.score(x, state.k), context.noise.like(x)
            length = 2 * r**2 * (self.snr * _norm(noise) / _norm(score)) ** 2
            length = length.reshape(-1, *[1] * (x.ndim - 1))
            x = x + length * score + (2 * length).sqrt() * noise
        return state.at(x)


def _norm(x: torch.Tensor) -> torch.Tensor:
    """L2 norm of each sample (samples, ...)."""
    return torch.stack([torch.linalg.vector_norm(sample) for sample in x])
