"""Guidance by the covariance that the prior itself leaves in its estimate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from invdiff.diffusion.guidance.base import Denoise, Estimate, Guidance
from invdiff.diffusion.guidance.likelihood import shifted
from invdiff.diffusion.guidance.linearised import Linearised
from invdiff.diffusion.parameters import HeldBack
from invdiff.operators import LinearOperator
from invdiff.operators.base import Shape
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.inner_solve import InnerSolve, Truncated
from invdiff.operators.structure import Structure

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context


@dataclass(frozen=True)
class MomentMatching(Guidance):
    """The likelihood's score Jᴴ Aᴴ(noise_std^2 + A C Aᴴ)^-1 (y - A x_0), J = d x_0 / d x, as if p(x_0 | x) were N(x_0,
    C) with its own covariance, C = (beta^2 / alpha) J by Tweedie's second formula (Boys 2024, TMPD, eq. 9; Rozet 2024,
    MMPS, eq. 15).

    The mean becomes x_0 + C Aᴴ(noise_std^2 + A C Aᴴ)^-1 (y - A x_0): exact where the prior is Gaussian. C is never
    formed: each iteration of conjugate gradients in the data's space goes one way back through the network (Rozet 2024,
    algorithm 2). A network's J is not quite symmetric, so an early end is a part of the method.

    Args:
        solve: how the linear system is solved.
        held_back: the least noise_std taken, in units of sigma: it bounds the condition number.

    Raises:
        InputError: held_back is negative; when the prior is asked, no gradient passes through it.
    """

    solve: InnerSolve = Truncated(3)
    held_back: HeldBack = 0.0
    cites: ClassVar[tuple[str, ...]] = ("boys2024", "rozet2024")

    @property
    def needs(self) -> frozenset[str]:
        return super().needs | {"density", "noise_std"}

    def __call__(self, prior: Denoise, x: Tensor, k: int, context: "Context") -> Estimate:
        made, sigma = Linearised.of(prior, x), context.levels.sigma(k)
        # in units of sigma no square is lost, however small the noise
        noise_std = max(context.known_noise_std / sigma, self.held_back)
        predicted = _Predicted(context.operator, made, noise_std**2, context.levels.alpha[k])
        residual = context.y - context.operator(made.estimate.mean)
        v = self.solve(predicted, residual, torch.zeros_like(residual), context.trace)
        return shifted(made.estimate, made.adjoint(context.operator.H(v)) / sigma**2, k, context)


class _Predicted(Endomorphism, Frozen):
    """noise_std^2 + A (alpha J) Aᴴ, of data in units of sigma, for the samples of one network call."""

    operator: LinearOperator
    made: Linearised
    variance: float
    alpha: float
    structure = Structure.POSITIVE

    @property
    def domain_shape(self) -> Shape:
        return self.operator.codomain_shape

    @property
    def real_domain(self) -> bool:
        return self.operator.real_codomain

    @property
    def preserves_reals(self) -> bool:
        return self.operator.preserves_reals

    @property
    def is_complex_linear(self) -> bool:
        return False

    def forward(self, y: Tensor) -> Tensor:
        image = self.made.adjoint(self.operator.H(y))
        return self.variance * y + self.alpha * self.operator(image)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.forward(y)
