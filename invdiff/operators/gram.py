"""Aᴴ A that remembers A, so that it can be sampled as well as applied and solved."""

from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.lift import lift
from invdiff.operators.remembered import remembered
from invdiff.operators.structure import Structure


class Gram(Endomorphism, Frozen):
    """Aᴴ A for the operator ``root``. Applied in the fastest form known, ``root.pullback(I)``."""

    root: LinearOperator
    structure = Structure.POSITIVE

    @remembered
    def fast(self) -> LinearOperator:
        """The operator that is applied."""
        return self.root.pullback(Identity(self.root.codomain_shape))

    @property
    def domain_shape(self) -> Shape:
        return self.root.domain_shape

    @property
    def real_domain(self) -> bool:
        return self.root.real_domain

    @property
    def preserves_reals(self) -> bool:
        return self.root.preserves_reals

    @property
    def is_complex_linear(self) -> bool:
        return self.root.is_complex_linear

    @property
    def factors(self) -> tuple[LinearOperator, ...]:
        return self.fast.factors

    def nearest_circulant(self) -> LinearOperator | None:
        return self.fast.nearest_circulant()

    def _lifted(self, prefix: Shape) -> LinearOperator:
        return Gram(lift(prefix, self.root))

    def forward(self, x: Tensor) -> Tensor:
        return self.fast.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.fast.forward(y)

    def __repr__(self) -> str:
        return repr(self.fast)


def gram(operator: LinearOperator) -> LinearOperator:
    """Aᴴ A: the closed form where it is one, else a `Gram`."""
    made = Gram(operator)
    return made.fast if made.fast.spectral_part is not None else made
