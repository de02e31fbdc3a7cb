"""What the state of a problem is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from invdiff.operators import LinearOperator


class View(ABC):
    """Chooses the arrays that are diffused, the operator and data that steps see, and the way back to an image."""

    @abstractmethod
    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        """Operator and measurement as seen from the state."""

    @abstractmethod
    def image(self, x: Tensor) -> Tensor:
        """The image of a state."""


@dataclass(frozen=True)
class Sense(View):
    """The state is the image itself (one for each map set): SENSE, single coil, inpainting and denoising alike."""

    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        return operator, y

    def image(self, x: Tensor) -> Tensor:
        return x
