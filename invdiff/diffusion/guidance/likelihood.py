"""Guidance by the score of a likelihood: the posterior's score is the prior's and this."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor

from invdiff.diffusion.guidance.base import Denoise, Estimate, Guidance
from invdiff.diffusion.norms import norms
from invdiff.diffusion.parameters import DataWeight, LikelihoodWidth
from invdiff.within import not_negative

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context


class Likelihood(Guidance):
    """The estimate whose score is the prior's plus g: mean + (beta^2 / alpha) g, by Tweedie's formula."""

    @property
    def needs(self) -> frozenset[str]:
        return super().needs | {"density"}

    @abstractmethod
    def score(self, estimate: Estimate, x: Tensor, k: int, context: "Context") -> Tensor:
        """g, the gradient of the log likelihood at the state ``x`` of level ``k``."""

    def __call__(self, prior: Denoise, x: Tensor, k: int, context: "Context") -> Estimate:
        estimate = prior(x)
        return shifted(estimate, self.score(estimate, x, k, context), k, context)


def shifted(estimate: Estimate, g: Tensor, k: int, context: "Context") -> Estimate:
    """The estimate at level ``k`` whose score is that of ``estimate`` plus ``g``."""
    alpha, beta = context.levels.alpha[k], context.levels.beta[k]
    return Estimate(estimate.mean + beta**2 / alpha * g, estimate.noise - beta * g)


@dataclass(frozen=True)
class AnnealedLikelihood(Likelihood):
    """g = Aᴴ(y - A x / alpha) / (alpha (gamma^2 + noise_std^2)), gamma = rho sigma (Jalal 2021, sec. 3.1; with
    noise_std = 0 the solver "langevin" of Song 2021).

    Args:
        rho: how wide the likelihood is made, in units of the level's sigma = beta / alpha.
        noise_std: of the measurement; the problem's where ``None``.

    Raises:
        InputError: rho is not positive, or noise_std negative.
    """

    rho: LikelihoodWidth = 1.0
    noise_std: Annotated[
        float | None, not_negative("standard deviation of the measurement's noise", (1e-4, 0.1), log=True)
    ] = None
    cites: ClassVar[tuple[str, ...]] = ("jalal2021",)

    @property
    def needs(self) -> frozenset[str]:
        return super().needs | ({"noise_std"} if self.noise_std is None else set())

    def score(self, estimate: Estimate, x: Tensor, k: int, context: "Context") -> Tensor:
        alpha = context.levels.alpha[k]
        return (context.adjoint_y - context.operator.gram(x / alpha)) / (alpha * self._variance(k, context))

    def curvature(self, k: int, context: "Context") -> float:
        """How fast g falls along what is measured, for an operator of norm one: steps of twice its inverse diverge."""
        return 1 / (context.levels.alpha[k] ** 2 * self._variance(k, context))

    def _variance(self, k: int, context: "Context") -> float:
        noise_std = context.known_noise_std if self.noise_std is None else self.noise_std
        return (self.rho * context.levels.sigma(k)) ** 2 + noise_std**2


@dataclass(frozen=True)
class NoisedLikelihood(Likelihood):
    """g = Aᴴ(y_t - A x) / (rho beta)^2 with the measurement noised as the state, y_t = alpha y + beta A z (Song 2020,
    app. I.4; the solver "baseline" of Song 2021).

    z is fresh at every network call.

    Args:
        rho: how wide the likelihood is made, in units of beta.

    Raises:
        InputError: rho is not positive.
    """

    rho: LikelihoodWidth = 1.0
    cites: ClassVar[tuple[str, ...]] = ("song2020",)

    def score(self, estimate: Estimate, x: Tensor, k: int, context: "Context") -> Tensor:
        alpha, beta = context.levels.alpha[k], context.levels.beta[k]
        # alpha y + beta A z - A x = alpha y - A (x - beta z): one pass through the operator serves both
        residual = alpha * context.adjoint_y - context.operator.gram(x - beta * context.noise.like(x))
        return residual / (self.rho * beta) ** 2


@dataclass(frozen=True)
class NormMatchedLikelihood(Likelihood):
    """g = weight (|s| / |h|) h, with h = Aᴴ(y - A x / alpha) and s the prior's score: the weight of the released code
    of Jalal 2021, in which the scales of A and y cancel.

    Norms are taken over each sample (the released code: over the batch). Where h is zero so is g.

    Raises:
        InputError: weight is not positive.
    """

    weight: DataWeight = 5.0
    cites: ClassVar[tuple[str, ...]] = ("jalal2021",)

    def score(self, estimate: Estimate, x: Tensor, k: int, context: "Context") -> Tensor:
        alpha, beta = context.levels.alpha[k], context.levels.beta[k]
        h = context.adjoint_y - context.operator.gram(x / alpha)
        s = (alpha * estimate.mean - x) / beta**2
        length = norms(h)
        return self.weight * norms(s) / length.where(length > 0, 1) * h
