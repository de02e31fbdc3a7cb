"""Proximal guidance: the estimate nearest to the prior's that also explains the data."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from invdiff.diffusion.bounds import check_not_negative
from invdiff.diffusion.guidance.base import Denoise, Estimate, Guidance
from invdiff.diffusion.parameters import DataStd, HeldBack, ImageWeight, LikelihoodWeight, NoiseFloor
from invdiff.diffusion.part import Part
from invdiff.operators import Identity
from invdiff.operators.inner_solve import Converged, InnerSolve

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context


class Weight(Part, ABC):
    """Weighs the data against the prior's estimate, level by level."""

    @abstractmethod
    def __call__(self, sigma: float, context: "Context") -> float:
        """gamma at the level ``sigma``, in the prior's units; infinity is the data alone."""


@dataclass(frozen=True)
class DiffPIRWeight(Weight):
    """gamma = sigma^2 / (lam noise_std^2) (Zhu 2023, DiffPIR, algorithm 1: 1/rho_t); without noise, infinity.

    Raises:
        InputError: lam is not positive.
    """

    lam: ImageWeight = 1.0
    needs = frozenset({"noise_std"})
    cites: ClassVar[tuple[str, ...]] = ("zhu2023",)

    def __call__(self, sigma: float, context: "Context") -> float:
        return _ratio(sigma, math.sqrt(self.lam) * context.known_noise_std)


@dataclass(frozen=True)
class SplittingWeight(Weight):
    """gamma = sigma^2 / max(noise_std, held_back e sigma)^2: half-quadratic splitting (Zhang 2021, DPIR, sec. 3, with
    lambda = 1), the data's weight held back while the image is still coarse; e is `LinearOperator.evenness`, one for
    samples on a grid.

    gamma is at most 1 / (held_back e)^2, so the condition number of I + gamma AᴴA at most 1 + 1 / (held_back e)^2 for
    an operator of norm one, however small the noise. Where a few frequencies are sampled far more often than the
    others, as the centre of a radial scan's, they make the norm, and without e the others would hardly be weighed.

    Raises:
        InputError: held_back is negative.
    """

    held_back: HeldBack = 0.1
    needs = frozenset({"noise_std"})
    cites: ClassVar[tuple[str, ...]] = ("geman1995", "zhang2021")

    def __call__(self, sigma: float, context: "Context") -> float:
        return _ratio(sigma, context.held_back(self.held_back, sigma))


@dataclass(frozen=True)
class PosteriorVariance(Weight):
    """gamma = r^2 / max(noise_std, held_back e r)^2, r^2 = sigma^2 s^2 / (sigma^2 + s^2): the variance left in the
    estimate of an image of standard deviation s (Song 2023, PiGDM), the data's weight held back as in
    `SplittingWeight`.

    Args:
        data_std: s, of one real number of the prior's images.
        floor: the least noise_std taken, in the prior's units: what the forward model leaves unexplained.
        held_back: the least noise_std taken, in units of r.

    Raises:
        InputError: data_std is not positive, or floor or held_back is negative.
    """

    data_std: DataStd = 0.2
    floor: NoiseFloor = 0.0
    held_back: HeldBack = 0.1
    needs = frozenset({"noise_std"})
    cites: ClassVar[tuple[str, ...]] = ("song2023",)

    def deviation(self, sigma: float) -> float:
        """r, at a level."""
        return sigma * self.data_std / math.hypot(sigma, self.data_std)

    def __call__(self, sigma: float, context: "Context") -> float:
        r = self.deviation(sigma)
        return _ratio(r, max(self.floor, context.held_back(self.held_back, r)))


def _ratio(deviation: float, noise_std: float) -> float:
    """The squared ratio, infinite where there is no noise."""
    ratio = deviation / noise_std if noise_std > 0 else math.inf
    return ratio * ratio  # which overflows to infinity, where ** would raise


@dataclass(frozen=True)
class Proximal(Guidance):
    """argmin_v gamma/2 ||y - A v||^2 + 1/2 ||v - x_0||^2: the data step of DDS (Chung 2024) and DiffPIR (Zhu
    2023, algorithm 1).

    Closed form where I + gamma AᴴA has one, else conjugate gradients from the prior's estimate.

    Args:
        gamma: weight of the data in the prior's units, for an operator of norm one, or a rule ``gamma(sigma,
            context)``; infinity projects onto the data.
        solve: how the linear system is solved.
        noise_from: the noise that goes with the new estimate is the network's (DDS) or what the estimate leaves of the
            state, (x - alpha x_0) / beta (DiffPIR: "estimate").

    Raises:
        InputError: gamma is negative.
    """

    gamma: LikelihoodWeight | Weight | Callable[[float, "Context"], float] = 1.0
    solve: InnerSolve = Converged()
    noise_from: Literal["network", "estimate"] = "network"
    cites: ClassVar[tuple[str, ...]] = ("chung2024", "zhu2023")

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.gamma, float | int) and self.gamma != math.inf:
            check_not_negative("gamma weighs the data", self.gamma)

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.gamma,) if isinstance(self.gamma, Part) else ()

    def __call__(self, prior: Denoise, x: Tensor, k: int, context: "Context") -> Estimate:
        levels, estimate = context.levels, prior(x)
        prior_mean = estimate.mean
        gamma = self.gamma(levels.sigma(k), context) if callable(self.gamma) else self.gamma
        # the larger weight is one, so that the smaller is what is lost to rounding
        of_prior, of_data = (1.0, gamma) if gamma <= 1 else (1 / gamma, 1.0)
        gram = context.operator.gram
        if of_prior > 0:
            precision = of_prior * Identity(context.operator.domain_shape) + of_data * gram
            target = of_prior * prior_mean + of_data * context.adjoint_y
            mean = self.solve(precision, target, prior_mean, context.trace)
        else:
            residual = context.adjoint_y - gram(prior_mean)
            mean = prior_mean + self.solve(gram, residual, torch.zeros_like(residual), context.trace)
        if self.noise_from == "network":
            return Estimate(mean, estimate.noise)
        return Estimate(mean, (x - levels.alpha[k] * mean) / levels.beta[k])
