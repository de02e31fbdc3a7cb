"""The state is the image."""

from dataclasses import dataclass

from torch import Tensor

from invdiff.diffusion.views.base import View, without, without_maps
from invdiff.operators import LinearOperator
from invdiff.operators.real_part import AsComplex
from invdiff.problem import Problem


@dataclass(frozen=True)
class Sense(View):
    """The state is the image itself (one for each map set): SENSE, single coil, inpainting and denoising alike.

    Where every coil map is zero nothing was measured or is claimed: the image is zero there.
    """

    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        return operator, y

    def image(self, x: Tensor, problem: Problem) -> Tensor:
        of_complex_images, _ = without(problem.operator, AsComplex)
        _, sensitivities = without_maps(of_complex_images)
        if sensitivities is None:
            return x
        return x * (sensitivities.maps != 0).any(-sensitivities.image_dims - 1)

    def state(self, image: Tensor, problem: Problem) -> Tensor:
        return image
