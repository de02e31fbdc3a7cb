"""The exact Gaussian prior."""

import copy
import math
from typing import Self

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors.base import Prior
from invdiff.priors.noise_level import check_non_negative, check_positive


class GaussianPrior(Prior):
    """Images drawn from N(mean, covariance), with every answer in closed form.

    In the eigenbasis of the covariance, with eigenvalues l, the posterior mean is ``mean + l / (l + sigma^2) (x -
    mean)`` (the Wiener filter). Computed in float64, answered in the dtype of the question.

    Args:
        mean: real tensor of the event's shape, such as (channels, height, width). Any intensity scale.
        covariance: (d, d), symmetric and positive semi-definite, over the flattened event of d numbers; or a tensor of
            the event's shape that holds variances (a diagonal covariance).

    Attributes:
        channels: the first axis of a three-axis event.
        data_std: root of the mean variance of a component.

    Raises:
        InputError: the shapes do not meet, a number is complex or not finite, the covariance is not symmetric, or it
            has an eigenvalue below 0.
    """

    is_oriented = True

    def __init__(self, mean: Tensor, covariance: Tensor) -> None:
        size = mean.numel()
        if mean.is_complex() or covariance.is_complex():
            raise InputError("A Gaussian prior is over real numbers; stack real and imaginary parts as channels.")
        if not (mean.isfinite().all() and covariance.isfinite().all()):
            raise InputError("The mean or the covariance of a Gaussian prior holds NaN or infinity.")
        self._mean, covariance = mean.detach().double(), covariance.detach().double()
        self._basis: Tensor | None = None  # None: the covariance is diagonal already
        if covariance.shape == mean.shape:
            self._variances = covariance.flatten()
        elif covariance.shape == (size, size):
            if not torch.allclose(covariance, covariance.mT, rtol=1e-6, atol=1e-6 * float(covariance.abs().max())):
                raise InputError(f"The ({size}, {size}) covariance of a Gaussian prior is not symmetric.")
            self._variances, self._basis = torch.linalg.eigh(covariance)
        else:
            raise InputError(
                f"A Gaussian prior with a mean of shape {tuple(mean.shape)} takes variances of that shape or a "
                f"covariance of shape ({size}, {size}), not {tuple(covariance.shape)}."
            )
        if float(self._variances.min()) < -1e-6 * float(self._variances.abs().max()):
            raise InputError(
                f"The covariance of a Gaussian prior has a negative eigenvalue, {self._variances.min():.3g}."
            )
        self._variances = self._variances.clamp(min=0)
        if mean.ndim == 3:
            self.channels = (mean.shape[0],)
        self.data_std = math.sqrt(float(self._variances.mean()))

    @property
    def mean(self) -> Tensor:
        """Mean, float64, of the event's shape."""
        return self._mean

    @property
    def covariance(self) -> Tensor:
        """Dense covariance over the flattened event, float64, (d, d)."""
        if self._basis is None:
            return torch.diag(self._variances)
        return (self._basis * self._variances) @ self._basis.mT

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Posterior mean E[x_0 | x_0 + sigma z = x].

        Args:
            x: real, (*batch, *event), with any leading axes.
            sigma: noise level, at least 0.

        Raises:
            InputError: ``x`` does not end in the event's shape, or ``sigma`` is negative.
        """
        check_non_negative(sigma)
        gain = torch.where(self._variances > 0, self._variances / (self._variances + sigma**2), 0.0)
        return (self._mean + self._synthesis(gain * self._analysis(x), x.shape)).to(x.dtype)

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """Gradient of ``log_density``, -(C + sigma^2)^-1 (x - mean). Raises as ``denoise``, and at sigma 0."""
        check_positive(sigma)
        return -self._synthesis(self._analysis(x) / (self._variances + sigma**2), x.shape).to(x.dtype)

    def log_density(self, x: Tensor, sigma: float) -> Tensor:
        """Log density of noisy images x_0 + sigma z; float64, one number for each element of the leading axes.

        Raises:
            InputError: as ``denoise``, and at sigma 0 where the covariance is singular, since there is no density.
        """
        check_non_negative(sigma)
        variances = self._variances + sigma**2
        if float(variances.min()) == 0:
            raise InputError("A singular Gaussian has no density at sigma = 0; ask at a level above 0.")
        distance = (self._analysis(x).square() / variances).sum(-1)
        return -0.5 * (distance + variances.log().sum() + variances.numel() * math.log(2 * math.pi))

    def to(self, device: str) -> Self:
        """A copy of this prior on another device."""
        moved = copy.copy(self)
        moved._mean, moved._variances = self._mean.to(device), self._variances.to(device)
        moved._basis = None if self._basis is None else self._basis.to(device)
        return moved

    def _analysis(self, x: Tensor) -> Tensor:
        """Coordinates of ``x - mean`` in the eigenbasis, (*batch, d)."""
        batch = x.shape[: max(0, x.ndim - self._mean.ndim)]
        if x.is_complex() or x.shape != batch + self._mean.shape:
            raise InputError(
                f"This Gaussian prior is over real events of shape {tuple(self._mean.shape)}; it was given {x.dtype} "
                f"of shape {tuple(x.shape)}."
            )
        centred = (x.double() - self._mean).reshape(*batch, -1)
        return centred if self._basis is None else centred @ self._basis

    def _synthesis(self, coordinates: Tensor, shape: torch.Size) -> Tensor:
        return (coordinates if self._basis is None else coordinates @ self._basis.mT).reshape(shape)
