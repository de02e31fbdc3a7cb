"""The state is the image."""

from dataclasses import dataclass

from torch import Tensor

from invdiff.diffusion.views.base import View, without, without_maps
from invdiff.operators import LinearOperator, Sensitivities
from invdiff.operators.real_part import AsComplex
from invdiff.problem import Problem


@dataclass(frozen=True)
class Sense(View):
    """The state is the image itself (one for each map set): SENSE, single coil, inpainting and denoising alike.

    Where every coil map is zero nothing was measured or is claimed: the image is zero there.
    """

    def offers(self, problem: Problem) -> frozenset[str]:
        sensitivities = _maps_of(problem.operator)
        has_sets = sensitivities is not None and sensitivities.has_sets
        is_volume = len(problem.operator.domain_shape) == 3 and not has_sets
        return frozenset({"data", "volume"} if is_volume else {"data"})

    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        return operator, y

    def image(self, x: Tensor, problem: Problem) -> Tensor:
        sensitivities = _maps_of(problem.operator)
        if sensitivities is None:
            return x
        return x * (sensitivities.maps != 0).any(-sensitivities.image_dims - 1)

    def state(self, image: Tensor, problem: Problem) -> Tensor:
        return image


def _maps_of(operator: LinearOperator) -> Sensitivities | None:
    of_complex_images, _ = without(operator, AsComplex)
    return without_maps(of_complex_images)[1]
