"""The contract of guidance."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from invdiff.diffusion.part import Part

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context


@dataclass(frozen=True)
class Estimate:
    """What is believed of a noisy state x = alpha x_0 + beta z.

    Attributes:
        mean: the clean image x_0.
        noise: the noise z that goes with it.
    """

    mean: Tensor
    noise: Tensor


class Guidance(Part, ABC):
    """Maps the prior's estimate of a state to one that has seen the measurement.

    Every predictor and corrector uses the guided estimate, so every one of them runs with every guidance.
    """

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"measurement", "data"})

    @abstractmethod
    def __call__(self, estimate: Estimate, x: Tensor, k: int, context: "Context") -> Estimate:
        """The guided estimate of the state ``x`` at level ``k``."""
