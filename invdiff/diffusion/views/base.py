"""The contract of views."""

from abc import ABC, abstractmethod

from torch import Tensor

from invdiff.diffusion.part import Part
from invdiff.errors import InputError
from invdiff.operators import Lift, LinearOperator, Sensitivities
from invdiff.problem import Problem


class View(Part, ABC):
    """Chooses the arrays that are diffused, the operator and data that steps see, and the way back to an image.

    Attributes:
        domain: what the prior must know, as `Prior.domain` says it.
    """

    domain: str = "image"

    def offers(self, problem: Problem) -> frozenset[str]:
        """What a state of this problem offers to other parts: keys of `NEEDS`."""
        return frozenset({"data"})

    @abstractmethod
    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        """Operator and measurement as seen from the state.

        Raises:
            InputError: the operator has no such state.
        """

    @abstractmethod
    def image(self, x: Tensor, problem: Problem) -> Tensor:
        """The images of finished states ``(samples, *)``."""

    @abstractmethod
    def state(self, image: Tensor, problem: Problem) -> Tensor:
        """An image as a state without noise."""

    def support(self, operator: LinearOperator) -> Tensor | None:
        """Where states have noise, one there and zero elsewhere; ``None``: everywhere."""
        return None


def root_sum_of_squares(coil_images: Tensor) -> Tensor:
    """sqrt(sum over coils of abs(x_c)^2) of ``(*, coils, H, W)``, real (Roemer 1990)."""
    return coil_images.abs().square().sum(-3).sqrt()


def without_maps(operator: LinearOperator) -> tuple[LinearOperator, Sensitivities | None]:
    """The operator on coil images, and the coil maps taken off it: ``None`` where it has none. A scale stays on it.

    Where it sees several images through the same maps, these are the maps of one."""
    rest, maps = without(operator, Sensitivities)
    bare = maps.operator if isinstance(maps, Lift) else maps
    return (rest, bare) if isinstance(bare, Sensitivities) else (operator, None)


def without(operator: LinearOperator, kind: type[LinearOperator]) -> tuple[LinearOperator, LinearOperator | None]:
    """The operator and what was taken off its right end, as `LinearOperator.peel` does: ``None`` where that is another
    kind."""
    try:
        return operator.peel(kind)
    except InputError:
        return operator, None
