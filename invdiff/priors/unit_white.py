"""A prior in units in which white is one."""

from typing import TYPE_CHECKING

from torch import Tensor

from invdiff.priors.base import Intensity, Prior

if TYPE_CHECKING:
    from invdiff.problem import Problem


class UnitWhite(Prior):
    """Another prior, told of images and noise levels in units of its `white`: noise levels of methods then mean the
    same for images in [0, 1] and in [0, 255].

    Args:
        prior: in its own units.
    """

    def __init__(self, prior: Prior) -> None:
        self.prior, self.white = prior, white(prior)
        self.channels, self.domain, self.precision = prior.channels, prior.domain, prior.precision
        self.is_oriented = prior.is_oriented
        self.intensity = None if prior.intensity is None else Intensity(prior.intensity.percentile, 1.0)
        self.data_std = None if prior.data_std is None else prior.data_std / self.white
        spectrum = prior.power_spectrum
        self.power_spectrum = None if spectrum is None else tuple(power / self.white**2 for power in spectrum)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.prior.denoise(self.white * x, self.white * sigma) / self.white

    def score(self, x: Tensor, sigma: float) -> Tensor:
        return self.white * self.prior.score(self.white * x, self.white * sigma)

    def given(self, problem: "Problem") -> Prior:
        return UnitWhite(self.prior.given(problem.rescaled(1 / self.white)))


def white(prior: Prior) -> float:
    """The intensity of the prior's images at the percentile that it names; one where it knows no intensity."""
    return 1.0 if prior.intensity is None else prior.intensity.value
