"""How noise is added: x_t = alpha(t) x_0 + beta(t) z, with t in [0, 1]."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

from invdiff.diffusion.parameters import FirstTime, LastTime, SigmaMax, SigmaMin
from invdiff.diffusion.part import Part
from invdiff.errors import InputError
from invdiff.within import positive


class SDE(Part, ABC):
    """A forward process dx = f x dt + g dw (Song 2020), given by its marginals.

    Attributes:
        begin: the largest time at which there is an image left.
        end: the smallest time at which its papers sample.
    """

    begin: float = 1.0
    end: float
    cites: ClassVar[tuple[str, ...]] = ("song2020",)

    @abstractmethod
    def alpha(self, t: float) -> float:
        """What is left of the image at time t."""

    @abstractmethod
    def beta(self, t: float) -> float:
        """The noise's standard deviation at time t, in each real number."""

    @abstractmethod
    def drift(self, t: float) -> float:
        """f: d ln(alpha) / dt."""

    @abstractmethod
    def diffusion(self, t: float) -> float:
        """g: the noise's strength, g^2 = d(beta^2)/dt - 2 f beta^2."""

    @abstractmethod
    def time(self, sigma: float) -> float:
        """The time at which beta / alpha = sigma > 0; outside [0, 1] where sigma is beyond the SDE's range."""


@dataclass(frozen=True)
class VE(SDE):
    """Variance exploding (Song 2020, eq. 30): alpha = 1, beta = sigma_min (sigma_max / sigma_min)^t.

    Args:
        sigma_min: noise at t = 0, in units of the prior's images.
        sigma_max: noise at t = 1: 128 in Song 2021, 378 in Chung & Ye 2022 for images in [0, 1].
    """

    sigma_min: SigmaMin = 0.01
    sigma_max: SigmaMax = 378.0
    end: LastTime = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sigma_max / self.sigma_min > 1:
            raise InputError(f"VE needs sigma_min < sigma_max but got {self.sigma_min} and {self.sigma_max}.")

    @property
    def _rate(self) -> float:
        return math.log(self.sigma_max / self.sigma_min)

    def alpha(self, t: float) -> float:
        return 1.0

    def beta(self, t: float) -> float:
        return self.sigma_min * math.exp(self._rate * t)

    def drift(self, t: float) -> float:
        return 0.0

    def diffusion(self, t: float) -> float:
        return self.beta(t) * math.sqrt(2 * self._rate)

    def time(self, sigma: float) -> float:
        return math.log(sigma / self.sigma_min) / self._rate


@dataclass(frozen=True)
class VP(SDE):
    """Variance preserving (Song 2020, eq. 32): alpha = e^c, beta^2 = 1 - e^(2c), c = -t^2 (b1 - b0)/4 - t b0/2."""

    beta_min: Annotated[float, positive("rate of noise at t = 0", (0.05, 1), log=True)] = 0.1
    beta_max: Annotated[float, positive("rate of noise at t = 1", (5, 40), log=True)] = 20.0
    end: LastTime = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.beta_min < self.beta_max:
            raise InputError(f"VP needs beta_min < beta_max but got {self.beta_min} and {self.beta_max}.")

    def _log_alpha(self, t: float) -> float:
        return -(t**2) * (self.beta_max - self.beta_min) / 4 - t * self.beta_min / 2

    def _rate(self, t: float) -> float:
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def _time_of_log_alpha(self, log_alpha: float) -> float:
        slope = self.beta_max - self.beta_min  # the positive root of slope t^2 / 4 + beta_min t / 2 + log_alpha = 0
        return -4 * log_alpha / (self.beta_min + math.sqrt(self.beta_min**2 - 4 * slope * log_alpha))

    def alpha(self, t: float) -> float:
        return math.exp(self._log_alpha(t))

    def beta(self, t: float) -> float:
        return math.sqrt(-math.expm1(2 * self._log_alpha(t)))

    def drift(self, t: float) -> float:
        return -self._rate(t) / 2

    def diffusion(self, t: float) -> float:
        return math.sqrt(self._rate(t))

    def time(self, sigma: float) -> float:
        return self._time_of_log_alpha(-math.log1p(sigma**2) / 2)


@dataclass(frozen=True)
class SubVP(VP):
    """Sub-VP (Song 2020, eq. 35): alpha as VP, beta = 1 - e^(2c)."""

    def beta(self, t: float) -> float:
        return -math.expm1(2 * self._log_alpha(t))

    def diffusion(self, t: float) -> float:
        return math.sqrt(-self._rate(t) * math.expm1(4 * self._log_alpha(t)))

    def time(self, sigma: float) -> float:
        return self._time_of_log_alpha(-math.asinh(sigma / 2))  # (1 - a^2) / a = sigma


@dataclass(frozen=True)
class Cosine(SDE):
    """The cosine schedule of Nichol & Dhariwal 2021 (eq. 17), with noise of a chosen strength as MC-DDPM (Xie & Li
    2022) has it: alpha = cos(a(t)) / cos(a(0)), a(t) = (π/2) (t + offset) / (1 + offset), beta = scale sqrt(1 -
    alpha^2).

    Args:
        scale: beta at t = 1; 0.5 in MC-DDPM.
        offset: s, which keeps the noise from being tiny near t = 0.

    Raises:
        InputError: a number is not positive.
    """

    scale: Annotated[float, positive("standard deviation of the noise at t = 1", (0.2, 1))] = 0.5
    offset: Annotated[
        float, positive("offset in time that keeps noise from being tiny near t = 0", (0.001, 0.05), log=True)
    ] = 0.008
    begin: FirstTime = 0.999
    end: LastTime = 1e-3
    cites: ClassVar[tuple[str, ...]] = ("nichol2021", "xie2022")

    @property
    def _rate(self) -> float:
        return math.pi / 2 / (1 + self.offset)

    def _angle(self, t: float) -> float:
        return self._rate * (t + self.offset)

    def alpha(self, t: float) -> float:
        return math.cos(self._angle(t)) / math.cos(self._angle(0.0))

    def beta(self, t: float) -> float:
        return self.scale * math.sqrt(max(0.0, 1 - self.alpha(t) ** 2))

    def drift(self, t: float) -> float:
        return -self._rate * math.tan(self._angle(t))

    def diffusion(self, t: float) -> float:
        return self.scale * math.sqrt(-2 * self.drift(t))

    def time(self, sigma: float) -> float:
        alpha = 1 / math.sqrt(1 + (sigma / self.scale) ** 2)
        return math.acos(alpha * math.cos(self._angle(0.0))) / self._rate - self.offset
