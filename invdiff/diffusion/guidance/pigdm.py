"""Pseudoinverse-guided diffusion."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from invdiff.diffusion.guidance.base import Denoise, Estimate, Guidance
from invdiff.diffusion.guidance.likelihood import shifted
from invdiff.diffusion.guidance.linearised import Linearised
from invdiff.diffusion.guidance.proximal import PosteriorVariance, Proximal
from invdiff.diffusion.part import Part
from invdiff.operators.inner_solve import Converged, InnerSolve

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context


@dataclass(frozen=True)
class PiGDM(Guidance):
    """The likelihood's score Jᴴ Aᴴ(r^2 A Aᴴ + noise_std^2)^-1 (y - A x_0), J = d x_0 / d x, as if p(x_0 | x) were
    N(x_0, r^2) (Song 2023, PiGDM; without noise A⁺(y - A x_0) / r^2 in the place of what J is applied to).

    That is what `Proximal` with `PosteriorVariance` moves x_0 by, over r^2 and through J: their linear system is one.

    Args:
        variance: r^2 = sigma^2 s^2 / (sigma^2 + s^2), and how the data's weight is held back.
        solve: how the linear system is solved.

    Raises:
        InputError: when the prior is asked, no gradient passes through it.
    """

    variance: PosteriorVariance = PosteriorVariance()
    solve: InnerSolve = Converged()
    cites: ClassVar[tuple[str, ...]] = ("song2023",)

    @property
    def needs(self) -> frozenset[str]:
        return super().needs | {"density"}

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.variance,)

    def __call__(self, prior: Denoise, x: Tensor, k: int, context: "Context") -> Estimate:
        made, r = Linearised.of(prior, x), self.variance.deviation(context.levels.sigma(k))
        moved = Proximal(self.variance, self.solve)(lambda _: made.estimate, x, k, context)
        g = made.adjoint(moved.mean - made.estimate.mean) / r**2
        return shifted(made.estimate, g, k, context)
