"""What a network's output means. Every parameterisation is three numbers at a level sigma and one label.

With x = x_0 + sigma z, the denoised image is ``skip * x + out * network(scale * x, label(sigma))``. Networks trained
under VP or sub-VP see x at their own scale, ``alpha x`` with noise beta = sigma alpha.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field

from invdiff.errors import InputError
from invdiff.priors.labels import STRICT, Label, LogSigma, SigmaLabel, VPTime
from invdiff.priors.scalings import Scaling, UnitScaling, VPScaling


class Preconditioning(NamedTuple):
    """The denoised image is ``skip * x + out * network(scale * x)``."""

    skip: float
    out: float
    scale: float


class Parameterisation(Protocol):
    """What ``ScorePrior`` asks; write your own with these two members."""

    @property
    def label(self) -> Callable[[float], float]:
        """The number that tells the network the level sigma."""

    def preconditioning(self, sigma: float) -> Preconditioning:
        """Coefficients at level ``sigma``, at least 0."""


@dataclass(frozen=True)
class Score:
    """The network gives the score of x = x_0 + sigma z (VE; Song et al. 2020)."""

    label: Label = field(default_factory=SigmaLabel)
    kind: Literal["score"] = field(default="score", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def preconditioning(self, sigma: float) -> Preconditioning:
        return Preconditioning(1.0, sigma**2, 1.0)


@dataclass(frozen=True)
class Noise:
    """The network gives the noise z from alpha x_0 + beta z (Ho et al. 2020); minus beta times the score, so."""

    label: Label = field(default_factory=VPTime)
    scaling: Scaling = field(default_factory=VPScaling)
    kind: Literal["noise"] = field(default="noise", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def preconditioning(self, sigma: float) -> Preconditioning:
        return Preconditioning(1.0, -sigma, self.scaling(sigma))


@dataclass(frozen=True)
class Clean:
    """The network gives the clean image x_0 from alpha x_0 + beta z: a denoiser."""

    label: Label = field(default_factory=SigmaLabel)
    scaling: Scaling = field(default_factory=UnitScaling)
    kind: Literal["clean"] = field(default="clean", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def preconditioning(self, sigma: float) -> Preconditioning:
        return Preconditioning(0.0, 1.0, self.scaling(sigma))


@dataclass(frozen=True)
class Velocity:
    """The network gives v = alpha z - beta x_0 from alpha x_0 + beta z (VP; Salimans and Ho 2022)."""

    label: Label = field(default_factory=VPTime)
    kind: Literal["velocity"] = field(default="velocity", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def preconditioning(self, sigma: float) -> Preconditioning:
        alpha = 1 / math.sqrt(1 + sigma**2)
        return Preconditioning(alpha**2, -sigma * alpha, alpha)


@dataclass(frozen=True)
class EDM:
    """The network is F of Karras et al. 2022, eq. (7), trained on data of standard deviation ``sigma_data`` (a
    component's).

    Raises:
        InputError: ``sigma_data`` is not a finite number above 0.
    """

    sigma_data: float
    label: Label = field(default_factory=lambda: LogSigma(0.25))
    kind: Literal["edm"] = field(default="edm", kw_only=True, repr=False)
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if not 0 < self.sigma_data < math.inf:
            raise InputError(f"EDM's sigma_data must be a finite number above 0, not {self.sigma_data}.")

    def preconditioning(self, sigma: float) -> Preconditioning:
        total = sigma**2 + self.sigma_data**2
        return Preconditioning(
            self.sigma_data**2 / total, sigma * self.sigma_data / math.sqrt(total), 1 / math.sqrt(total)
        )


KnownParameterisation = Annotated[Score | Noise | Clean | Velocity | EDM, Field(discriminator="kind")]
