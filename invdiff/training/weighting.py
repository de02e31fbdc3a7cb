"""How much the squared error of a denoised image counts at each noise level."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from invdiff.training.positive import Positive


class EDMWeight(BaseModel):
    """(sigma^2 + s^2) / (sigma s)^2, with which every level's loss begins at one (Karras et al. 2022, table 1)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["edm"] = Field("edm", description="(sigma² + s²) / (sigma s)²: every level's loss begins at one.")
    sigma_data: Positive = Field(
        0.2, description="s, the images' standard deviation. With 1 this is the plain loss of a velocity."
    )

    def __call__(self, sigma: Tensor) -> Tensor:
        return (sigma**2 + self.sigma_data**2) / (sigma * self.sigma_data) ** 2


class ScoreWeight(BaseModel):
    """1 / sigma^2 on images, which is sigma^2 on scores (Song et al. 2020, eq. 7) and one on the noise (Ho et al.
    2020, eq. 14)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["score"] = Field("score", description="sigma² on scores (Song 2020), the plain loss of the noise.")

    def __call__(self, sigma: Tensor) -> Tensor:
        return 1 / sigma**2


Weighting = Annotated[EDMWeight | ScoreWeight, Field(discriminator="kind")]
