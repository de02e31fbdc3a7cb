"""How a network is told the noise level: functions of the normalised level sigma = beta / alpha."""

import math
from bisect import bisect
from dataclasses import dataclass, field
from itertools import pairwise
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
        _check_rates("VP", self.b0, self.b1)

    def __call__(self, sigma: float) -> float:
        return self.scale * _time(self.b0, self.b1, math.log1p(sigma**2))


@dataclass(frozen=True)
class SubVPTime:
    """``scale`` times the time t of the sub-VP process with beta(t) = b0 + t (b1 - b0) (Song et al. 2020, appendix C).

    There sigma = 2 sinh((b0 t + (b1 - b0) t^2 / 2) / 2). Raises as ``VPTime``.
    """

    b0: float = 0.1
    b1: float = 20.0
    scale: float = 999.0
    kind: Literal["sub_vp_time"] = field(default="sub_vp_time", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        _check_rates("sub-VP", self.b0, self.b1)

    def __call__(self, sigma: float) -> float:
        return self.scale * _time(self.b0, self.b1, 2 * math.asinh(sigma / 2))


def _check_rates(process: str, b0: float, b1: float) -> None:
    if not (0 <= b0 <= b1 < math.inf and b1 > 0):
        raise InputError(f"A {process} process needs 0 <= b0 <= b1 with b1 above 0; it was given b0={b0}, b1={b1}.")


def _time(b0: float, b1: float, decay: float) -> float:
    """t from the integral of beta up to t; the root is written so that nothing cancels at small t."""
    return 2 * decay / (b0 + math.sqrt(b0**2 + 2 * (b1 - b0) * decay))


@dataclass(frozen=True)
class StepNumber:
    """The number of a step in a table of levels, as in discrete processes (Ho et al. 2020); between two of them a
    fraction, linear in ln(sigma).

    Args:
        sigmas: the level of each step, ascending.

    Raises:
        InputError: fewer than two levels, not above 0, or not ascending.
    """

    sigmas: tuple[float, ...] = field(repr=False)
    kind: Literal["step_number"] = field(default="step_number", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if not (
            len(self.sigmas) > 1
            and self.sigmas[0] > 0
            and self.sigmas[-1] < math.inf
            and all(low < high for low, high in pairwise(self.sigmas))
        ):
            raise InputError("The levels of numbered steps must be two or more, finite, above 0 and ascending.")

    def __call__(self, sigma: float) -> float:
        after = min(max(bisect(self.sigmas, sigma), 1), len(self.sigmas) - 1)
        low, high = self.sigmas[after - 1], self.sigmas[after]
        return after - 1 + min(max(math.log(sigma / low) / math.log(high / low), 0.0), 1.0)


Label = Annotated[SigmaLabel | LogSigma | VPTime | SubVPTime | StepNumber, Field(discriminator="kind")]
