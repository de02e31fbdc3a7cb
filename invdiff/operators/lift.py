"""An operator repeated over leading dimensions."""

from dataclasses import dataclass

from torch import Tensor

from invdiff.operators.arrays import Array
from invdiff.operators.base import LinearOperator, NoiseSource, Report, Shape
from invdiff.operators.structure import Structure


@dataclass(frozen=True, eq=False, repr=False)
class Lift(LinearOperator):
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
    def real_domain(self) -> bool:
        return self.operator.real_domain

    @property
    def real_codomain(self) -> bool:
        return self.operator.real_codomain

    @property
    def preserves_reals(self) -> bool:
        return self.operator.preserves_reals

    @property
    def is_complex_linear(self) -> bool:
        return self.operator.is_complex_linear

    @property
    def H(self) -> LinearOperator:
        return lift(self.prefix, self.operator.H)

    def forward(self, x: Tensor) -> Tensor:
        return self.operator.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.operator.adjoint(y)

    def solve(
        self,
        b: Array,
        *,
        initial: Array | None = None,
        tol: float | Tensor | None = None,
        max_iter: int | None = None,
        preconditioner: LinearOperator | None = None,
        report: Report | None = None,
    ) -> Tensor:
        b = self._check(b, self.domain_shape, "solves for", real=self.real_domain)
        return self.operator.solve(
            b,
            initial=initial,
            tol=self._for_each(tol),
            max_iter=max_iter,
            preconditioner=preconditioner,
            report=report,
        )

    def _for_each(self, tol: float | Tensor | None) -> float | Tensor | None:
        """A tolerance for each item of the batch, as the operator inside sees the batch."""
        return tol.reshape(tol.shape + (1,) * len(self.prefix)) if isinstance(tol, Tensor) else tol

    @property
    def is_positive_definite(self) -> bool:
        return self.operator.is_positive_definite

    def nearest_circulant(self) -> LinearOperator | None:
        nearest = self.operator.nearest_circulant()
        return None if nearest is None else lift(self.prefix, nearest)

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
    from invdiff.operators.gram import Gram
    from invdiff.operators.identity import Identity
    from invdiff.operators.product import Product
    from invdiff.operators.scaled import Scaled, scaled

    match operator:
        case _ if not prefix:
            return operator
        case Identity():
            return Identity(prefix + operator.shape)
        case Lift():
            return Lift(prefix + operator.prefix, operator.operator)
        case Scaled():
            return scaled(operator.scale, lift(prefix, operator.operator))
        case Gram():
            return Gram(lift(prefix, operator.root))
        case Product():
            return Product(tuple(lift(prefix, factor) for factor in operator.factors))
        case _:
            return Lift(prefix, operator)


def unlift(left: LinearOperator, right: LinearOperator) -> tuple[Shape, LinearOperator, LinearOperator] | None:
    """The prefix that two operators share and both without it; the identity shares any. ``None`` where nothing is
    shared."""
    from invdiff.operators.identity import Identity
    from invdiff.operators.scaled import ScaledIdentity

    prefixes = [a.prefix for a in (left, right) if isinstance(a, Lift)]
    if not prefixes:
        return None
    prefix = min(prefixes, key=len)

    def without(a: LinearOperator) -> LinearOperator | None:
        if isinstance(a, Lift) and a.prefix[: len(prefix)] == prefix:
            return lift(a.prefix[len(prefix) :], a.operator)
        if isinstance(a, Identity) and a.shape[: len(prefix)] == prefix:
            return Identity(a.shape[len(prefix) :])
        if isinstance(a, ScaledIdentity) and a.domain_shape[: len(prefix)] == prefix:
            return a.scale * Identity(a.domain_shape[len(prefix) :])
        return None

    bare = without(left), without(right)
    return None if bare[0] is None or bare[1] is None else (prefix, bare[0], bare[1])
