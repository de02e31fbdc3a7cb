"""At which noise levels training asks the network, as distributions to draw them from."""

import math
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from invdiff.errors import InputError
from invdiff.training.positive import Positive


class LogNormal(BaseModel):
    """ln(sigma) is normal (EDM; Karras et al. 2022, section 5)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["log_normal"] = Field("log_normal", description="ln(sigma) is normal, as EDM has it.")
    median: Positive = Field(
        0.12, description="Half of the levels lie below it. Detail is decided near a tenth of white."
    )
    spread: Positive = Field(1.2, description="Standard deviation of ln(sigma); EDM's is 1.2.")

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """``count`` levels."""
        return np.exp(rng.normal(math.log(self.median), self.spread, count))


class LogUniform(BaseModel):
    """ln(sigma) is uniform, as under a VE process whose time is uniform (Song et al. 2020)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["log_uniform"] = Field("log_uniform", description="ln(sigma) is uniform, as under VE.")
    sigma_min: Positive = Field(0.01, description="The lowest level.")
    sigma_max: Positive = Field(378.0, description="The highest level.")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.sigma_min >= self.sigma_max:
            raise InputError(f"sigma_min {self.sigma_min} must be below sigma_max {self.sigma_max}")
        return self

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """``count`` levels."""
        return np.exp(rng.uniform(math.log(self.sigma_min), math.log(self.sigma_max), count))


class UniformVPTime(BaseModel):
    """The time of a VP process with beta(t) = b0 + t (b1 - b0) is uniform (Song et al. 2020, appendix C)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["vp_time"] = Field("vp_time", description="The time of a VP process is uniform.")
    b0: Annotated[float, Field(ge=0, le=1000)] = Field(0.1, description="The process's rate as it begins.")
    b1: Annotated[float, Field(gt=0, le=1000)] = Field(20.0, description="Its rate at the end.")
    first: Annotated[float, Field(gt=0, lt=1)] = Field(1e-5, description="The smallest time.")

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """``count`` levels sigma = beta / alpha."""
        t = rng.uniform(self.first, 1, count)
        levels: NDArray[np.float64] = np.sqrt(np.expm1(self.b0 * t + (self.b1 - self.b0) * t**2 / 2))
        return levels


class Share(BaseModel):
    """A part of a mixture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Positive = Field(description="How often, in proportion to the other parts.")
    levels: Annotated[LogNormal | LogUniform | UniformVPTime, Field(discriminator="kind")] = Field(
        description="A distribution of noise levels."
    )


class Mixture(BaseModel):
    """Each level comes from one of several distributions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["mixture"] = Field("mixture", description="Each level comes from one of several distributions.")
    parts: Annotated[tuple[Share, ...], Field(min_length=1)] = Field(description="The distributions and their shares.")

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """``count`` levels."""
        shares = np.array([part.share for part in self.parts])
        drawn = np.stack([part.levels.draw(count, rng) for part in self.parts])
        chosen: NDArray[Any] = rng.choice(len(drawn), count, p=shares / shares.sum())
        levels: NDArray[np.float64] = drawn[chosen, np.arange(count)]
        return levels


NoiseLevels = Annotated[LogNormal | LogUniform | UniformVPTime | Mixture, Field(discriminator="kind")]
