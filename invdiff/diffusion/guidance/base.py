"""The contract of guidance."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

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


Denoise = Callable[[Tensor], Estimate]
"""The prior alone at one level: states ``(samples, ...)`` to its estimate of them, one network call a sample."""


class Guidance(Part, ABC):
    """Asks the prior about a state, and answers with an estimate that has seen the measurement.

    Every predictor and corrector uses the guided estimate, so every one of them runs with every guidance. The loop runs
    without gradients; guidance that needs one takes it by `Linearised`, and leaves no graph behind.

    Attributes:
        network_calls: how often it asks the prior for one estimate; a gradient's way back through a call is a part of
            that call.
    """

    network_calls: ClassVar[int] = 1

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"measurement", "data"})

    @abstractmethod
    def __call__(self, prior: Denoise, x: Tensor, k: int, context: "Context") -> Estimate:
        """The guided estimate of the state ``x`` at level ``k``."""
