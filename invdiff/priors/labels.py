"""How a network is told the noise level: functions of the normalised level sigma = beta / alpha."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from invdiff.errors import InputError

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class SigmaLabel:
    """The level itself, as NCSN++ takes it under a continuous VE process (Song et al. 2020)."""

    kind: Literal["sigma"] = field(default="sigma", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __call__(self, sigma: float) -> float:
        return sigma


@dataclass(frozen=True)
class LogSigma:
    """``scale`` times ln(sigma); a scale of 1/4 is EDM's c_noise (Karras et al. 2022, table 1)."""

    scale: float = 1.0
    kind: Literal["log_sigma"] = field(default="log_sigma", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __call__(self, sigma: float) -> float:
        return self.scale * math.log(sigma)


@dataclass(frozen=True)
class VPTime:
    """``scale`` times the time t of the VP process with beta(t) = b0 + t (b1 - b0) (Song et al. 2020, appendix C).

    There 1 + sigma^2 = exp(b0 t + (b1 - b0) t^2 / 2). The defaults are Song's; a linear DDPM schedule of 1000 steps
    from 1e-4 to 0.02 is this process in steps, and its step numbers are these labels to within 4.

    Raises:
        InputError: not 0 <= b0 <= b1, or b1 is 0.
    """

    b0: float = 0.1
    b1: float = 20.0
    scale: float = 999.0
    kind: Literal["vp_time"] = field(default="vp_time", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if not (0 <= self.b0 <= self.b1 < math.inf and self.b1 > 0):
            raise InputError(
                f"A VP process needs 0 <= b0 <= b1 with b1 above 0; it was given b0={self.b0}, b1={self.b1}."
            )

    def __call__(self, sigma: float) -> float:
        decay = math.log1p(sigma**2)  # the root below is written so that nothing cancels at small sigma
        return self.scale * 2 * decay / (self.b0 + math.sqrt(self.b0**2 + 2 * (self.b1 - self.b0) * decay))


Label = Annotated[SigmaLabel | LogSigma | VPTime, Field(discriminator="kind")]
