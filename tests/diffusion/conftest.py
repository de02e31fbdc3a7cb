"""Small problems and exact priors for samplers."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff import testing
from invdiff.diffusion import Context, Problem, Sampler
from invdiff.operators import LinearOperator, denoising, fourier, inpainting, sense
from invdiff.priors import GaussianPrior, Prior

Array = NDArray[np.float64]


def normal(shape: tuple[int, ...], dtype: torch.dtype, seed: int = 0) -> Tensor:
    """Standard normal numbers, complex ones with unit variance in each part."""
    generator = torch.Generator().manual_seed(seed)
    if dtype.is_complex:
        return torch.view_as_complex(torch.randn(*shape, 2, dtype=dtype.to_real(), generator=generator))
    return torch.randn(shape, dtype=dtype, generator=generator)


def operators(side: int) -> dict[str, LinearOperator]:
    """One operator of each usual problem, on images of ``side`` by ``side``; none has a norm above one."""
    generator = torch.Generator().manual_seed(1)
    mask = torch.rand(side, side, generator=generator) < 0.5
    mask[side // 2, side // 2] = True
    maps = normal((3, side, side), torch.complex128, seed=2)
    maps = maps / maps.abs().square().sum(0).sqrt()
    columns = torch.zeros(side, side, dtype=torch.bool)
    columns[:, :: 2 * side // 4] = True
    return {
        "fourier": fourier(mask),
        "sense": sense(columns, maps),
        "inpainting": inpainting(mask),
        "denoising": denoising((side, side)),
    }


def rebound(context: Context, **changes: object) -> Context:
    """The same run of a bound sampler that is another in some attributes, or in its guidance."""
    bound = context.bound
    if "guidance" in changes:
        bound = replace(bound, sampler=replace(bound.sampler, guidance=changes.pop("guidance")))
    return replace(context, bound=replace(bound, **changes))


class Small:
    """Problems with a known truth on ``side`` by ``side`` images."""

    normal = staticmethod(normal)
    rebound = staticmethod(rebound)

    def __init__(self, side: int) -> None:
        self.side = side
        self.operators = operators(side)

    def problem(
        self, name: str, dtype: torch.dtype = torch.complex128, noise_std: float = 0.05, seed: int = 3
    ) -> Problem:
        """y = A x + noise for a smooth truth of that kind, of intensity about one."""
        operator = self.operators[name]
        waves = torch.linspace(0, math.pi, self.side, dtype=torch.float64).sin()
        truth = torch.outer(waves, waves)
        truth = (torch.complex(truth, 0.5 * truth.flip(0)) if dtype.is_complex else truth).to(dtype)
        y = operator(truth)
        return Problem(operator, y + noise_std * normal(tuple(y.shape), y.dtype, seed), noise_std)

    def prior(self, channels: int, domain: str = "image") -> GaussianPrior:
        """Smooth images about a flat one; or, in another domain, arrays that have those moments."""
        place = torch.arange(self.side, dtype=torch.float64)
        line = torch.exp(-((place[:, None] - place) ** 2) / 4)
        covariance = torch.kron(torch.eye(channels, dtype=torch.float64), 0.3 * torch.kron(line, line))
        prior = GaussianPrior(torch.full((channels, self.side, self.side), 0.3).double(), covariance)
        prior.domain = domain
        return prior


@pytest.fixture(scope="session")
def affine_map() -> Callable[[Sampler, Problem, Prior], tuple[Array, Array]]:
    """(c, R) of a run that ends in c + R z for all its noise z, where every step is affine; on real coordinates."""

    def of_arrays(sampler: Sampler, problem: Problem, prior: Prior) -> tuple[Array, Array]:
        mean, root = testing.affine_map(sampler, problem, prior)
        return mean.numpy(), root.numpy()

    return of_arrays


@pytest.fixture(scope="session")
def small() -> Small:
    """4 by 4."""
    return Small(4)


@pytest.fixture(scope="session")
def larger() -> Small:
    """8 by 8."""
    return Small(8)
