"""Priors of small images that are known in full."""

from collections.abc import Callable

import torch
from torch import Tensor

from invdiff.priors import GaussianMixturePrior
from invdiff.verification.parts_alike import PartsAlike

SIDE = 8
"""Pixels along each side: few, so that covariances are small matrices."""

_MEAN, _STD = 0.3, 0.2  # of the package's own images, whose white is one


def diagonal() -> PartsAlike:
    """A Gaussian of independent pixels, with standard deviations from 0.05 to 0.4."""
    deviations = 0.05 * 8 ** torch.rand(1, SIDE, SIDE, dtype=torch.float64, generator=_generator(1))
    return PartsAlike(GaussianMixturePrior(torch.ones(1), _flat(_MEAN)[None], deviations.square()[None]))


def circulant() -> PartsAlike:
    """A stationary Gaussian, smooth as images are: power falls as 1 / (1 + |k|²)."""
    return PartsAlike(GaussianMixturePrior(torch.ones(1), _flat(_MEAN)[None], _stationary(_STD)[None]))


def mixture() -> PartsAlike:
    """Two overlapping Gaussians: dark smooth images, and bright ones of more contrast."""
    means, deviations = [_flat(_MEAN - 0.1), _flat(_MEAN + 0.1)], [0.8 * _STD, _STD]
    return PartsAlike(GaussianMixturePrior(torch.tensor([0.6, 0.4]), means, [_stationary(std) for std in deviations]))


def modes() -> PartsAlike:
    """Three sharp modes: patterns that differ by 0.05 in each pixel, each known to within 0.01."""
    patterns = _MEAN + 0.05 * torch.randn(3, 1, SIDE, SIDE, dtype=torch.float64, generator=_generator(2))
    narrow = torch.full((3, 1, SIDE, SIDE), 0.01**2, dtype=torch.float64)
    return PartsAlike(GaussianMixturePrior(torch.tensor([0.5, 0.3, 0.2]), patterns, narrow))


PRIORS: dict[str, Callable[[], PartsAlike]] = {
    "diagonal": diagonal,
    "circulant": circulant,
    "mixture": mixture,
    "modes": modes,
}
"""Priors by name."""


def _flat(value: float) -> Tensor:
    return torch.full((1, SIDE, SIDE), value, dtype=torch.float64)


def _stationary(std: float) -> Tensor:
    """Covariance of a periodic image, ``(SIDE², SIDE²)``: its rows are shifts of the transform of the power."""
    frequency = torch.fft.fftfreq(SIDE, 1 / SIDE, dtype=torch.float64)
    power = 1 / (1 + frequency[:, None] ** 2 + frequency**2)
    correlation = torch.fft.ifft2(power).real
    shifts = [torch.roll(correlation, (i, j), (0, 1)).flatten() for i in range(SIDE) for j in range(SIDE)]
    covariance: Tensor = std**2 * torch.stack(shifts) / correlation[0, 0]
    return covariance


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
