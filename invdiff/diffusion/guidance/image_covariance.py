"""The covariance of the clean image given the noisy one, by the derivative of the prior's estimate."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from invdiff.diffusion.guidance.linearised import Linearised
from invdiff.diffusion.part import Part

Multiply = Callable[[Tensor], Tensor]
"""Images ``(samples, ...)`` to images of the same shape and dtype."""


class ImageCovariance(Part, ABC):
    """What is taken for Cov[x_0 | x] = (beta^2 / alpha) J, J = d x_0 / d x (Tweedie's second formula)."""

    @abstractmethod
    def of(self, made: Linearised) -> Multiply:
        """The product with what stands for J at the states of one network call."""


@dataclass(frozen=True)
class TweedieCovariance(ImageCovariance):
    """J itself: each product is one way back through the network (Rozet 2024, MMPS).

    It is never formed. J of a Gaussian prior is exact and symmetric; a network's is not quite symmetric.
    """

    cites: ClassVar[tuple[str, ...]] = ("rozet2024",)

    def of(self, made: Linearised) -> Multiply:
        return made.adjoint


@dataclass(frozen=True)
class RowSumCovariance(ImageCovariance):
    """The diagonal of J's row sums, Jᴴ 1 for a symmetric J: one way back through the network for all products (Boys
    2024, TMPD, its diagonal approximation).

    Each real number of the image has a variance of its own. Exact where the prior's pixels are independent. Where
    neighbours are alike a row sums to more than its diagonal, so fine detail learns less of the data than it should. A
    sum below zero is no variance, and is taken for zero: there the estimate is taken to be certain.
    """

    cites: ClassVar[tuple[str, ...]] = ("boys2024",)

    def of(self, made: Linearised) -> Multiply:
        mean = made.estimate.mean
        sums = _reals(made.adjoint(torch.full_like(mean, 1 + 1j if mean.is_complex() else 1))).clamp(min=0)

        def multiply(v: Tensor) -> Tensor:
            return torch.view_as_complex(sums * _reals(v)) if v.is_complex() else sums * v

        return multiply


def _reals(x: Tensor) -> Tensor:
    return torch.view_as_real(x) if x.is_complex() else x
