"""A sampler that is right on the problems that tests choose, and how to break it."""

import math
from dataclasses import dataclass

from torch import Tensor

from invdiff.diffusion import VE, AnnealedLangevin, AnnealedLikelihood, Geometric, NextLevel, Sampler, SplitComplex
from invdiff.methods import Method


@dataclass(frozen=True)
class Broken(AnnealedLangevin):
    """A step whose drift is so many times as long as its noise says, and whose noise is so many times as strong."""

    drift: float = 1.0
    heat: float = 1.0

    def moved(self, x: Tensor, score: Tensor, noise: Tensor, k: int, context: object, heat: float) -> Tensor:
        return super().moved(x, self.drift * score, noise, k, context, self.heat * heat)  # type: ignore[arg-type]


def langevin(steps: int = 300, drift: float = 1.0, heat: float = 1.0, level: float = 0.3) -> Sampler:
    """Annealed Langevin dynamics down to next to no noise: right for smooth posteriors, by many short steps."""
    return Sampler(
        VE(0.02, 0.5),
        Geometric(steps),
        [Broken(0.5, drift=drift, heat=heat), NextLevel()],
        SplitComplex(),
        guidance=AnnealedLikelihood(1.0, noise_std=level),
    )


RIGHT = Method("langevin", (), langevin)
TWINS = {
    "a step of double length": {"drift": "2"},
    "noise dropped": {"heat": "0"},
    "too much noise": {"heat": str(math.sqrt(2))},
    "a wrong level": {"level": "0.2"},
}
