"""Mixtures of Gaussians in few dimensions, known in full."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

_BISECTIONS = 40  # a thousandth of a billionth of the bracket is left


@dataclass(frozen=True, eq=False)
class Mixture:
    """The distribution of a vector of d real numbers; everything is float64.

    Args:
        weights: ``(k,)``, with sum 1.
        means: ``(k, d)``.
        covariances: ``(k, d, d)``.
    """

    weights: Tensor = field(repr=False)
    means: Tensor = field(repr=False)
    covariances: Tensor = field(repr=False)

    def given(self, A: Tensor, y: Tensor, noise_std: float) -> "Mixture":
        """The posterior of x given y = A x + n: again a mixture, whose weights are those of the prior times each
        component's evidence N(y; A m, A C Aᵀ + s² I) (Bishop 2006, eq. 2.115 to 2.117, component by component).

        Args:
            A: ``(rows, d)``.
            y: ``(rows,)``.
            noise_std: s, of each number of y; positive.
        """
        crossed = self.covariances @ A.T
        evidence = A @ crossed + noise_std**2 * torch.eye(len(y), dtype=y.dtype)
        residual = y - self.means @ A.T
        gain = torch.linalg.solve(evidence, crossed.mT).mT
        covariances = self.covariances - gain @ crossed.mT
        distance = (residual * torch.linalg.solve(evidence, residual)).sum(-1)
        log_weights = self.weights.log() - 0.5 * (distance + torch.linalg.slogdet(evidence).logabsdet)
        return Mixture(
            log_weights.softmax(0),
            self.means + (gain @ residual[..., None])[..., 0],
            (covariances + covariances.mT) / 2,
        )

    @cached_property
    def mean(self) -> Tensor:
        """Mean, ``(d,)``."""
        return self.weights @ self.means

    @cached_property
    def covariance(self) -> Tensor:
        """Covariance within and between components, ``(d, d)``."""
        apart = self.means - self.mean
        return torch.einsum("k,kij->ij", self.weights, self.covariances) + (self.weights * apart.T) @ apart

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Independent samples, ``(count, d)``."""
        chosen = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        noise = torch.randn(count, self.means.shape[1], dtype=torch.float64, generator=generator)
        moved = torch.empty_like(noise)
        for k, root in enumerate(self._roots):
            moved[chosen == k] = noise[chosen == k] @ root.T
        return self.means[chosen] + moved

    @cached_property
    def _roots(self) -> list[Tensor]:
        pairs = (torch.linalg.eigh(covariance) for covariance in self.covariances)
        return [vectors * values.clamp(min=0).sqrt() for values, vectors in pairs]

    def along(self, directions: Tensor) -> "Marginals":
        """The distributions along the columns of ``(d, m)``."""
        variances = torch.einsum("im,kij,jm->km", directions, self.covariances, directions)
        return Marginals(self.weights, self.means @ directions, variances.clamp(min=0).sqrt())


@dataclass(frozen=True, eq=False)
class Marginals:
    """Mixtures of Gaussians of one number, m of them with the same weights.

    Args:
        weights: ``(k,)``.
        means: ``(k, m)``.
        deviations: standard deviations, ``(k, m)``.
    """

    weights: Tensor = field(repr=False)
    means: Tensor = field(repr=False)
    deviations: Tensor = field(repr=False)

    @cached_property
    def std(self) -> Tensor:
        """Standard deviation, ``(m,)``."""
        apart = self.means - self.weights @ self.means
        return (self.weights @ (self.deviations.square() + apart.square())).sqrt()

    def cdf(self, values: Tensor) -> Tensor:
        """Probability below ``(n, m)`` values, of the same shape."""
        scaled = (values[:, None] - self.means) / (math.sqrt(2) * self.deviations)
        return torch.einsum("k,nkm->nm", self.weights, (1 + torch.erf(scaled)) / 2)

    def quantiles(self, probabilities: Tensor) -> Tensor:
        """Values ``(n, m)`` below which the probability is that of ``(n,)``, by bisection."""
        reach = 40 * self.deviations
        low = (self.means - reach).amin(0).expand(len(probabilities), -1)
        high = (self.means + reach).amax(0).expand(len(probabilities), -1)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            is_below = self.cdf(middle) < probabilities[:, None]
            low, high = torch.where(is_below, middle, low), torch.where(is_below, high, middle)
        return (low + high) / 2
