"""The state is all coil images."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from invdiff.diffusion.views.base import View, root_sum_of_squares, without_maps
from invdiff.errors import InputError
from invdiff.operators import Basis, LinearOperator
from invdiff.problem import Problem


@dataclass(frozen=True)
class Soss(View):
    """Every coil's image by itself, ``(coils, H, W)``, and at the end the root of the sum over coils of abs(x_c)^2
    (Chung & Ye 2022, algorithm 4; Roemer 1990): a real image, without coil maps.

    Coil maps that the operator ends in are taken off: steps see P(Λ) F, the same for each coil.
    """

    cites: ClassVar[tuple[str, ...]] = ("roemer1990",)

    def offers(self, problem: Problem) -> frozenset[str]:
        _, sensitivities = without_maps(problem.operator)
        offered = frozenset({"data", "coil images"})
        return offered if sensitivities is None else offered | {"coil maps"}

    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        coilwise, _ = without_maps(operator)
        if len(coilwise.domain_shape) != 3 or any(isinstance(factor, Basis) for factor in coilwise.factors):
            raise InputError(
                f"Soss reconstructs the image of every coil, (coils, H, W), but {operator!r} sees an image, or "
                f"images, of shape {coilwise.domain_shape}; use the view Sense."
            )
        return coilwise, y

    def image(self, x: Tensor, problem: Problem) -> Tensor:
        return root_sum_of_squares(x)

    def state(self, image: Tensor, problem: Problem) -> Tensor:
        _, sensitivities = without_maps(problem.operator)
        return image if sensitivities is None else sensitivities(image)
