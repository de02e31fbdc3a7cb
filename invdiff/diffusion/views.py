"""What the state of a problem is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from invdiff.operators import LinearOperator, Sensitivities


class View(ABC):
    """Chooses the arrays that are diffused, the operator and data that steps see, and the way back to an image."""

    @abstractmethod
    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        """Operator and measurement as seen from the state."""

    @abstractmethod
    def image(self, x: Tensor, operator: LinearOperator) -> Tensor:
        """The image of a state, given the problem's operator."""


@dataclass(frozen=True)
class Sense(View):
    """The state is the image itself (one for each map set): SENSE, single coil, inpainting and denoising alike.

    Where every coil map is zero nothing was measured or is claimed: the image is zero there.
    """

    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        return operator, y

    def image(self, x: Tensor, operator: LinearOperator) -> Tensor:
        last = operator.factors[-1]
        if not isinstance(last, Sensitivities):
            return x
        seen = (last.maps != 0).any(-last.image_dims - 1)
        return x * seen
