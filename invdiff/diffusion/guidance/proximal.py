"""Proximal guidance: the estimate nearest to the prior's that also explains the data."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import Tensor

from invdiff.diffusion.bounds import check_not_negative, check_positive
from invdiff.diffusion.guidance.base import Estimate, Guidance
from invdiff.diffusion.part import Part
from invdiff.errors import InputError
from invdiff.operators import Identity

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context


@dataclass(frozen=True)
class DiffPIRWeight(Part):
    """gamma = sigma^2 / (lam noise_std^2) (Zhu 2023, DiffPIR, eq. 13: 1/rho_t); without noise, infinity.

    Raises:
        InputError: lam is not positive.
    """

    lam: float = 1.0
    needs = frozenset({"noise_std"})
    cites: ClassVar[tuple[str, ...]] = ("zhu2023",)

    def __post_init__(self) -> None:
        check_positive("lam weighs the prior against the data", self.lam)

    def __call__(self, sigma: float, context: "Context") -> float:
        variance = self.lam * context.known_noise_std**2
        return sigma**2 / variance if variance > 0 else math.inf


@dataclass(frozen=True)
class PosteriorVariance(Part):
    """gamma = r^2 / noise_std^2, r^2 = sigma^2 s^2 / (sigma^2 + s^2): the variance left in the estimate of an image of
    standard deviation s (Song 2023, PiGDM, sec. 3.3).

    Args:
        data_std: s, of one real number of the prior's images.
        floor: the least noise_std taken, in the prior's units: what the forward model leaves unexplained.

    Raises:
        InputError: data_std is not positive or floor is negative.
    """

    data_std: float = 0.2
    floor: float = 0.0
    needs = frozenset({"noise_std"})
    cites: ClassVar[tuple[str, ...]] = ("song2023",)

    def __post_init__(self) -> None:
        check_positive("data_std is the standard deviation of the prior's images", self.data_std)
        check_not_negative("floor is the least standard deviation of noise", self.floor)

    def __call__(self, sigma: float, context: "Context") -> float:
        variance = sigma**2 * self.data_std**2 / (sigma**2 + self.data_std**2)
        noise_std = max(context.known_noise_std, self.floor)
        return variance / noise_std**2 if noise_std > 0 else math.inf


@dataclass(frozen=True)
class Proximal(Guidance):
    """argmin_v gamma/2 ||y - A v||^2 + 1/2 ||v - x_0||^2: the data step of DDS (Chung 2024, eq. 17) and DiffPIR (Zhu
    2023, eq. 11).

    Closed form where I + gamma AᴴA has one, else conjugate gradients from the prior's estimate.

    Args:
        gamma: weight of the data in the prior's units, or a rule ``gamma(sigma, context)``; infinity projects onto the
            data.
        cg_steps: iterations at most.
        noise_from: the noise that goes with the new estimate is the network's (DDS) or what the estimate leaves of the
            state, (x - alpha x_0) / beta (DiffPIR: "estimate").

    Raises:
        InputError: gamma is negative or cg_steps is not positive.
    """

    gamma: float | Callable[[float, "Context"], float] = 1.0
    cg_steps: int = 5
    noise_from: Literal["network", "estimate"] = "network"
    cites: ClassVar[tuple[str, ...]] = ("chung2024", "zhu2023")

    def __post_init__(self) -> None:
        if isinstance(self.gamma, float | int) and self.gamma != math.inf:
            check_not_negative("gamma weighs the data", self.gamma)
        if self.cg_steps < 1:
            raise InputError(
                f"Proximal guidance needs at least one conjugate-gradient step but got cg_steps={self.cg_steps}."
            )

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.gamma,) if isinstance(self.gamma, Part) else ()

    def __call__(self, estimate: Estimate, x: Tensor, k: int, context: "Context") -> Estimate:
        levels, prior_mean = context.levels, estimate.mean
        gamma = self.gamma(levels.sigma(k), context) if callable(self.gamma) else self.gamma
        gram, residual = context.operator.gram, context.adjoint_y - context.operator.gram(prior_mean)
        if math.isinf(gamma):
            mean = prior_mean + gram.solve(residual, max_iter=self.cg_steps)
        else:
            precision = 1.0 * Identity(context.operator.domain_shape) + gamma * gram
            mean = prior_mean + precision.solve(gamma * residual, max_iter=self.cg_steps)
        if self.noise_from == "network":
            return Estimate(mean, estimate.noise)
        return Estimate(mean, (x - levels.alpha[k] * mean) / levels.beta[k])
