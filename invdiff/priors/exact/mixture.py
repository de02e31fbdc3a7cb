"""The exact Gaussian mixture prior."""

import copy
import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors.base import Prior
from invdiff.priors.exact.gaussian import GaussianPrior


class GaussianMixturePrior(Prior):
    """Images drawn from a mixture of Gaussians: the exact prior with more than one mode.

    The posterior mean and the score are those of the components, averaged with the responsibilities
    ``softmax_k(log w_k + log N(x; m_k, C_k + sigma^2))``: in logarithms, so far from every mode they stay finite.

    Args:
        weights: (k,), not negative; divided by their sum.
        means: (k, *event), or k tensors of the event's shape.
        covariances: k covariances, each as ``GaussianPrior`` takes it.

    Attributes:
        components: the Gaussians, as ``GaussianPrior``.
        weights: float64, (k,), with sum 1.

    Raises:
        InputError: the counts or event shapes do not meet, a weight is negative or all are 0, or a component is
            refused.
    """

    is_oriented = True

    def __init__(
        self, weights: Tensor, means: Tensor | Sequence[Tensor], covariances: Tensor | Sequence[Tensor]
    ) -> None:
        if weights.ndim != 1 or len(weights) == 0 or not len(weights) == len(means) == len(covariances):
            raise InputError(
                "A Gaussian mixture takes as many weights as means and covariances, at least one; it was given "
                f"weights of shape {tuple(weights.shape)}, {len(means)} means and {len(covariances)} covariances."
            )
        self.weights = weights.detach().double()
        if not self.weights.isfinite().all() or float(self.weights.min()) < 0 or float(self.weights.sum()) == 0:
            raise InputError("The weights of a Gaussian mixture must be finite, not negative, and not all 0.")
        self.weights = self.weights / self.weights.sum()
        self.components = tuple(GaussianPrior(m, c) for m, c in zip(means, covariances, strict=True))
        if len({component.mean.shape for component in self.components}) > 1:
            raise InputError("The means of a Gaussian mixture have different shapes.")
        self.channels = self.components[0].channels
        within = float(self.weights @ torch.stack([c.covariance.diagonal().mean() for c in self.components]))
        between = _average([(c.mean - self.mean).square().mean() for c in self.components], self.weights)
        self.data_std = math.sqrt(within + float(between))

    @property
    def mean(self) -> Tensor:
        """Mean of the mixture, float64, of the event's shape."""
        return _average([component.mean for component in self.components], self.weights)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Posterior mean E[x_0 | x_0 + sigma z = x]; arguments and refusals as ``GaussianPrior.log_density``."""
        means = [component.denoise(x.double(), sigma) for component in self.components]
        return _average(means, self._responsibilities(x, sigma)).to(x.dtype)

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """Gradient of ``log_density``; arguments and refusals as ``GaussianPrior.score``."""
        scores = [component.score(x.double(), sigma) for component in self.components]
        return _average(scores, self._responsibilities(x, sigma)).to(x.dtype)

    def log_density(self, x: Tensor, sigma: float) -> Tensor:
        """Log density of noisy images x_0 + sigma z; float64, one number for each element of the leading axes."""
        return self._joint(x, sigma).logsumexp(0)

    def to(self, device: str) -> Self:
        """A copy of this prior on another device."""
        moved = copy.copy(self)
        moved.weights = self.weights.to(device)
        moved.components = tuple(component.to(device) for component in self.components)
        return moved

    def _joint(self, x: Tensor, sigma: float) -> Tensor:
        """Log of weight times density, (k, *batch)."""
        return torch.stack(
            [weight.log() + c.log_density(x, sigma) for weight, c in zip(self.weights, self.components, strict=True)]
        )

    def _responsibilities(self, x: Tensor, sigma: float) -> Tensor:
        return self._joint(x, sigma).softmax(0)


def _average(values: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Sum over k of weights (k, *batch) times values (*batch, *event)."""
    stacked = torch.stack(list(values))
    return (weights.reshape(weights.shape + (1,) * (stacked.ndim - weights.ndim)) * stacked).sum(0)
