"""The Langevin correctors of Song 2020."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.guidance.likelihood import AnnealedLikelihood
from invdiff.diffusion.norms import Over, norms, scaled
from invdiff.diffusion.parameters import Repetitions, Snr
from invdiff.diffusion.steps.base import State, Step
from invdiff.errors import InputError


@dataclass(frozen=True)
class LangevinStep(Step):
    """x + e s + sqrt(2 e) z, repeated. After the last predictor, where no noise is left, it does nothing.

    Args:
        snr: how long the step e is, as its kind says.
        steps: how often it is repeated.
        last_noise: whether the last repetition at the lowest level adds its noise.

    Raises:
        InputError: snr is not positive or steps not at least one.
    """

    snr: Snr = 0.16
    steps: Repetitions = 1
    last_noise: bool = True

    @abstractmethod
    def moved(self, x: Tensor, score: Tensor, noise: Tensor, k: int, context: Context, heat: float) -> Tensor:
        """x + e s + heat sqrt(2 e) z."""

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return self.steps * guided if k < steps else 0

    def __call__(self, state: State, context: Context) -> State:
        x, k, levels = state.x, state.k, context.levels
        if k >= levels.steps:
            return state
        for repetition in range(self.steps):
            score, noise = context.score(x, k), context.noise.like(x)
            is_last = k + 1 == levels.steps and repetition + 1 == self.steps
            x = self.moved(x, score, noise, k, context, 0.0 if is_last and not self.last_noise else 1.0)
        return state.at(x)


@dataclass(frozen=True)
class Langevin(LangevinStep):
    """Langevin correction by a signal-to-noise ratio, e = 2 a (snr |z| / |s|)^2 (Song 2020, algorithms 4 and 5); a = 1
    for VE, alpha_i for VP.

    Args:
        over: what has a norm, so a step size, of its own. By default every sample, all its real numbers together, so
            that a sample does not depend on the others; ``"batch"`` averages the norms of the samples that run
            together (the public code of Song 2020), ``"part"`` takes real and imaginary part of each image by
            themselves (the public code of Chung & Ye 2022), and ``"image"`` every image of a sample, such as one
            coil's.
    """

    over: Over = "sample"
    cites: ClassVar[tuple[str, ...]] = ("song2020",)

    def moved(self, x: Tensor, score: Tensor, noise: Tensor, k: int, context: Context, heat: float) -> Tensor:
        r, _ = context.levels.kernel(k)
        length = 2 * r**2 * (self.snr * norms(noise, self.over) / norms(score, self.over)) ** 2
        return x + scaled(length, score) + heat * scaled((2 * length).sqrt(), noise)


@dataclass(frozen=True)
class AnnealedLangevin(LangevinStep):
    """Annealed Langevin dynamics, e = 2 a (snr beta)^2 (Song 2019, algorithm 1; Song 2020's ALD); a = 1 for VE, alpha_i
    for VP.

    The steps of NCSNv2, epsilon sigma^2 / sigma_L^2, are those with snr = sqrt(epsilon / 2) / sigma_L.
    """

    cites: ClassVar[tuple[str, ...]] = ("song2019",)

    def check(self, context: Context) -> None:
        if not isinstance(context.guidance, AnnealedLikelihood):
            return
        for k in range(context.levels.steps):
            longest = self._length(k, context) * context.guidance.curvature(k, context)
            if longest > 2:
                raise InputError(
                    f"AnnealedLangevin's step is {longest / 2:.2g} times the longest with which its likelihood stays "
                    f"stable (sigma {context.levels.sigma(k):.3g}); take a smaller step or a wider likelihood, rho."
                )

    def moved(self, x: Tensor, score: Tensor, noise: Tensor, k: int, context: Context, heat: float) -> Tensor:
        length = self._length(k, context)
        return x + length * score + heat * math.sqrt(2 * length) * noise

    def _length(self, k: int, context: Context) -> float:
        r, _ = context.levels.kernel(k)
        return 2 * r**2 * (self.snr * context.levels.beta[k]) ** 2
