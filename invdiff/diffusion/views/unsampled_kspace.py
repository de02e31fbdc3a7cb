"""The state is the part of k-space that was not measured."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from invdiff.diffusion.views.base import View, root_sum_of_squares, without_maps
from invdiff.errors import InputError
from invdiff.operators import Fourier, Lift, LinearOperator, Scaled, Subsample
from invdiff.problem import Problem


@dataclass(frozen=True)
class UnsampledKspace(View):
    """k-space on the unsampled set, zero elsewhere; the sampled part is given and never noised (Xie & Li 2022, sec.
    2.2).

    The state is complex, ``(H, W)`` or ``(coils, H, W)``. The prior must be a conditional one that knows such states.
    Coils are combined at the end by their maps, where the operator has them, else by the root of the sum of squares.
    """

    domain = "unsampled k-space"
    needs = frozenset({"complex images"})
    cites: ClassVar[tuple[str, ...]] = ("xie2022",)

    def offers(self, problem: Problem) -> frozenset[str]:
        return frozenset()

    def observe(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        coilwise, _ = without_maps(operator)
        _parts(coilwise)
        return coilwise, y

    def support(self, operator: LinearOperator) -> Tensor:
        sampled, _ = _parts(operator)
        return ~sampled

    def image(self, x: Tensor, problem: Problem) -> Tensor:
        coilwise, sensitivities = without_maps(problem.operator)
        _, fourier = _parts(coilwise)
        images = fourier.H(x) + coilwise.pinv(problem.y)
        if sensitivities is not None:
            return sensitivities.pinv(images)
        return images if len(coilwise.domain_shape) == 2 else root_sum_of_squares(images)

    def state(self, image: Tensor, problem: Problem) -> Tensor:
        coilwise, sensitivities = without_maps(problem.operator)
        _, fourier = _parts(coilwise)
        return fourier(image if sensitivities is None else sensitivities(image)) * self.support(coilwise)


def _parts(operator: LinearOperator) -> tuple[Tensor, LinearOperator]:
    """(mask, F) of P(Λ) F, scaled or not.

    Raises:
        InputError: the operator is another one.
    """
    factors = (operator.operator if isinstance(operator, Scaled) else operator).factors
    bare = [part.operator if isinstance(part, Lift) else part for part in factors]
    if len(bare) != 2 or not isinstance(bare[0], Subsample) or not isinstance(bare[1], Fourier):
        raise InputError(
            f"UnsampledKspace needs Cartesian k-space, P(Λ) F or P(Λ) F S, but the operator is {operator!r}; use Sense."
        )
    return bare[0].mask, factors[1]
