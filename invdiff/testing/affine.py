"""A run as the affine map that it is where every step is one."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from invdiff.diffusion import Context, Problem, Sampler
from invdiff.priors import Prior


@dataclass
class _UnitNoise:
    """In place of random numbers: sample 0 sees zeros, each other sample a single one among all zeros of a run."""

    samples: range
    drawn: int = 0

    def rewind(self, iteration: int) -> None:
        """There is nothing to rewind."""

    def like(self, x: Tensor) -> Tensor:
        noise = torch.zeros(x.shape, dtype=x.dtype)
        flat = (torch.view_as_real(noise) if noise.is_complex() else noise).view(len(x), -1)
        size = flat.shape[1]
        for sample in range(self.drawn + 1, min(self.drawn + size + 1, len(x))):
            flat[sample, sample - self.drawn - 1] = 1
        self.drawn += size
        return noise


def affine_map(sampler: Sampler, problem: Problem, prior: Prior) -> tuple[Tensor, Tensor]:
    """(c, R) of a run whose last state is c + R z, for all its noise z: where prior and steps are affine, such as a
    `GaussianPrior` and steps whose length does not depend on the state.

    The law of the last state is then N(c, R Rᵀ), exactly, whatever the number of samples.

    Args:
        sampler: whose signal draws nothing.
        problem: what was measured, in double precision.
        prior: what images look like.

    Returns:
        c, real ``(n,)``, and R, real ``(n, m)``: a state's n real numbers, a complex one's real part followed by its
        imaginary part, and the m standard normal numbers of a run.
    """

    def last(noise: _UnitNoise) -> Tensor:
        context: Context = replace(sampler.bind(problem, prior).run(noise.samples), noise=noise)  # type: ignore[arg-type] # it stands in for them
        *_, state = context.states()
        x = torch.view_as_real(state.x) if state.x.is_complex() else state.x
        return x.reshape(len(x), -1)

    counting = _UnitNoise(range(1))
    last(counting)
    images = last(_UnitNoise(range(counting.drawn + 1)))
    return images[0], (images[1:] - images[0]).T
