"""How the learning rate falls over a run, in parts of its highest."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class Cosine(BaseModel):
    """Half a cosine, to zero at the last step (Loshchilov and Hutter 2017)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["cosine"] = Field("cosine", description="Half a cosine, to zero at the last step.")

    def __call__(self, step: int, steps: int) -> float:
        return 0.5 + 0.5 * math.cos(math.pi * step / steps)


class Constant(BaseModel):
    """Always the highest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["constant"] = Field("constant", description="Always the highest.")

    def __call__(self, step: int, steps: int) -> float:
        return 1.0


class ConstantThenDecay(BaseModel):
    """The highest, then linearly to zero over the last steps: a run can be prolonged as long as it has not begun to
    fall (Hu et al. 2024, MiniCPM, sec. 4)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["constant_then_decay"] = Field(
        "constant_then_decay", description="The highest, then a line to zero: a run can be prolonged before it falls."
    )
    decay_steps: PositiveInt = Field(500, description="How many steps, the last ones, it falls in.")

    def __call__(self, step: int, steps: int) -> float:
        return min(1.0, (steps - step) / self.decay_steps)


Schedule = Annotated[Cosine | Constant | ConstantThenDecay, Field(discriminator="kind")]
