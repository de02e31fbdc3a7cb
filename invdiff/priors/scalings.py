"""At what scale a network sees images: alpha as a function of the normalised level sigma = beta / alpha."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from invdiff.priors.labels import STRICT


@dataclass(frozen=True)
class UnitScaling:
    """x_0 + sigma z itself (VE)."""

    kind: Literal["unit"] = field(default="unit", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __call__(self, sigma: float) -> float:
        return 1.0


@dataclass(frozen=True)
class VPScaling:
    """alpha x_0 + beta z with alpha^2 + beta^2 = 1 (VP; Ho et al. 2020)."""

    kind: Literal["vp"] = field(default="vp", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __call__(self, sigma: float) -> float:
        return 1 / math.sqrt(1 + sigma**2)


@dataclass(frozen=True)
class SubVPScaling:
    """alpha x_0 + beta z with alpha^2 + beta = 1 (sub-VP; Song et al. 2020, appendix C)."""

    kind: Literal["sub_vp"] = field(default="sub_vp", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __call__(self, sigma: float) -> float:
        return 2 / (sigma + math.sqrt(sigma**2 + 4))  # the root of alpha^2 + sigma alpha = 1, without cancellation


Scaling = Annotated[UnitScaling | VPScaling | SubVPScaling, Field(discriminator="kind")]
