"""A prior of complex images made of one of real images."""

import torch
from torch import Tensor

from invdiff.priors import GaussianMixturePrior, Prior


class PartsAlike(Prior):
    """Complex images whose real and imaginary part are drawn from one prior, independently of each other.

    It takes images of one channel and of two, and answers alike: `SplitComplex` and `TwoChannel` are the same signal.

    Args:
        part: prior of either part, of events ``(1, H, W)``.

    Attributes:
        part: as given.
        shape: ``(H, W)``.
    """

    channels = (1, 2)
    is_oriented = True

    def __init__(self, part: GaussianMixturePrior) -> None:
        self.part, self.data_std = part, part.data_std
        self.shape = (int(part.mean.shape[-2]), int(part.mean.shape[-1]))

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Posterior mean of each channel by itself; real ``(batch, channels, H, W)``."""
        return self.part.denoise(x.reshape(-1, 1, *self.shape), sigma).reshape(x.shape)

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """Gradient of the log density of each channel by itself; real ``(batch, channels, H, W)``."""
        return self.part.score(x.reshape(-1, 1, *self.shape), sigma).reshape(x.shape)

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weights ``(k,)``, means ``(k, d)`` and covariances ``(k, d, d)`` of the mixture that complex images are drawn
        from, float64, in the coordinates of `invdiff.verification.coordinates`: a component for each pair of those of
        the parts."""
        pairs = [(i, j) for i in range(len(self.part.weights)) for j in range(len(self.part.weights))]
        means = [component.mean.flatten() for component in self.part.components]
        covariances = [component.covariance for component in self.part.components]
        of_real, of_imaginary = (torch.diag(torch.tensor(at, dtype=torch.float64)) for at in ([1, 0], [0, 1]))
        return (
            torch.stack([self.part.weights[i] * self.part.weights[j] for i, j in pairs]),
            torch.stack([torch.stack([means[i], means[j]], -1).flatten() for i, j in pairs]),
            torch.stack(
                [torch.kron(covariances[i], of_real) + torch.kron(covariances[j], of_imaginary) for i, j in pairs]
            ),
        )
