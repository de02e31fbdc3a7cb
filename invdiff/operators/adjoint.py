"""The adjoint of an operator that has no better form of it."""

from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape, same
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.rules import PRODUCT
from invdiff.operators.structure import Structure
from invdiff.operators.wrapper import Wrapper


class Adjoint(Wrapper, Frozen):
    """Aᴴ. Build it as ``A.H``."""

    operator: LinearOperator

    @property
    def domain_shape(self) -> Shape:
        return self.operator.codomain_shape

    @property
    def codomain_shape(self) -> Shape:
        return self.operator.domain_shape

    @property
    def structure(self) -> Structure:
        return self.operator.structure.adjoint

    @property
    def real_domain(self) -> bool:
        return self.operator.real_codomain

    @property
    def real_codomain(self) -> bool:
        return self.operator.real_domain

    @property
    def H(self) -> LinearOperator:
        return self.operator

    def forward(self, x: Tensor) -> Tensor:
        return self.operator.adjoint(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.operator.forward(y)

    def norm_bound(self) -> float:
        return self.operator.norm_bound()

    def _pinv(self, y: Tensor, *, tol: float | Tensor | None, max_iter: int | None) -> Tensor:
        gram = self.operator.gram.spectral_part  # (Aᴴ)⁺ = A (Aᴴ A)⁺
        if gram is not None:
            return self.operator.forward(gram.pinv(y))
        return super()._pinv(y, tol=tol, max_iter=max_iter)

    def __repr__(self) -> str:
        inner = repr(self.operator)
        return f"({inner})ᴴ" if " " in inner else f"{inner}ᴴ"


@PRODUCT.rule(Adjoint, LinearOperator, "Aᴴ A = I where A is an isometry")
def _(left: Adjoint, right: LinearOperator) -> LinearOperator | None:
    return Identity(right.domain_shape) if right.is_isometry and same(left.operator, right) else None


@PRODUCT.rule(LinearOperator, Adjoint, "A Aᴴ = I where A is a co-isometry")
def _(left: LinearOperator, right: Adjoint) -> LinearOperator | None:
    return Identity(left.codomain_shape) if left.is_co_isometry and same(left, right.operator) else None
