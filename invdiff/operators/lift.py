"""An operator repeated over leading dimensions."""

from typing import Any

from torch import Tensor

from invdiff.operators.arrays import Array
from invdiff.operators.base import LinearOperator, NoiseSource, Shape
from invdiff.operators.frozen import Frozen
from invdiff.operators.spectral import Spectral
from invdiff.operators.structure import Structure
from invdiff.operators.wrapper import Wrapper


class Lift(Wrapper, Frozen):
    """I ⊗ A: the same operator on every item of the leading dimensions ``prefix``. Prints as the operator itself.

    Since operators take any batch, lifting costs nothing: it is a matter of shapes. Build it with `lift`.
    """

    prefix: Shape
    operator: LinearOperator

    @property
    def domain_shape(self) -> Shape:
        return self.prefix + self.operator.domain_shape

    @property
    def codomain_shape(self) -> Shape:
        return self.prefix + self.operator.codomain_shape

    @property
    def structure(self) -> Structure:
        return self.operator.structure

    @property
    def H(self) -> LinearOperator:
        return lift(self.prefix, self.operator.H)

    def forward(self, x: Tensor) -> Tensor:
        return self.operator.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.operator.adjoint(y)

    def _solve(self, b: Tensor, *, tol: float | Tensor | None = None, **options: Any) -> Tensor:
        return self.operator.solve(b, tol=self._for_each(tol), **options)

    def _for_each(self, tol: float | Tensor | None) -> float | Tensor | None:
        """A tolerance for each item of the batch, as the operator inside sees the batch."""
        return tol.reshape(tol.shape + (1,) * len(self.prefix)) if isinstance(tol, Tensor) else tol

    @property
    def is_positive_definite(self) -> bool:
        return self.operator.is_positive_definite

    def nearest_circulant(self) -> LinearOperator | None:
        nearest = self.operator.nearest_circulant()
        return None if nearest is None else lift(self.prefix, nearest)

    @property
    def spectral_part(self) -> Spectral | None:
        return self.operator.spectral_part

    def _lifted(self, prefix: Shape) -> LinearOperator:
        return Lift(prefix + self.prefix, self.operator)

    def _unlifted(self, prefix: Shape) -> LinearOperator | None:
        shared = len(prefix)
        return lift(self.prefix[shared:], self.operator) if self.prefix[:shared] == prefix else None

    def norm_bound(self) -> float:
        return self.operator.norm_bound()

    def sample(self, noise: NoiseSource) -> Tensor:
        return self.operator.sample(lambda shape: noise(self.prefix + shape))

    def pinv(self, y: Array, *, tol: float | Tensor | None = None, max_iter: int | None = None) -> Tensor:
        y = self._check(y, self.codomain_shape, "has a pseudo-inverse that takes", real=self.real_codomain)
        return self.operator.pinv(y, tol=self._for_each(tol), max_iter=max_iter)

    def __repr__(self) -> str:
        return repr(self.operator)


def lift(prefix: Shape, operator: LinearOperator) -> LinearOperator:
    """The operator over the leading dimensions ``prefix``: lifts join, the identity grows, scales and products are
    lifted inside."""
    if not prefix:
        return operator
    lifted = operator._lifted(prefix)
    return Lift(prefix, operator) if lifted is None else lifted


def unlifted(prefix: Shape, operator: LinearOperator) -> LinearOperator | None:
    """The operator whose lift over ``prefix`` this is; ``None`` where it is none."""
    return operator._unlifted(prefix)


def unlift(left: LinearOperator, right: LinearOperator) -> tuple[Shape, LinearOperator, LinearOperator] | None:
    """The prefix that two operators share and both without it; the identity shares any. ``None`` where nothing is
    shared."""
    prefixes = [a.prefix for a in (left, right) if isinstance(a, Lift)]
    if not prefixes:
        return None
    prefix = min(prefixes, key=len)
    bare = left._unlifted(prefix), right._unlifted(prefix)
    return None if bare[0] is None or bare[1] is None else (prefix, bare[0], bare[1])
