"""Operators from plain functions: a user's own, and the oracle of the tests."""

from collections.abc import Callable

from torch import Tensor

from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.frozen import Frozen
from invdiff.operators.structure import Structure


class FromFunctions(LinearOperator, Frozen):
    """An operator made of two functions.

    Both see any leading batch dimensions. Check the pair with `invdiff.testing.dot_test`.

    Args:
        function: ``(*batch, *domain)`` to ``(*batch, *codomain)``.
        adjoint_function: the way back, exact under <u, v>.
        domain: shape of the inputs.
        codomain: shape of the outputs.
        name: how it prints.
        structure: what is known of it.
        real_domain: inputs are real by definition.
        real_codomain: outputs are real by definition.
        preserves_reals: real inputs give real outputs.
        is_complex_linear: A(c x) = c A(x) for complex c.
    """

    function: Callable[[Tensor], Tensor]
    adjoint_function: Callable[[Tensor], Tensor]
    domain: Shape
    codomain: Shape
    name: str = "A"
    structure: Structure = Structure.NONE
    real_domain: bool = False
    real_codomain: bool = False
    preserves_reals: bool = False
    is_complex_linear: bool = True

    @property
    def domain_shape(self) -> Shape:
        return self.domain

    @property
    def codomain_shape(self) -> Shape:
        return self.codomain

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.adjoint_function(y)

    def __repr__(self) -> str:
        return self.name


def without_structure(operator: LinearOperator) -> LinearOperator:
    """The same map with everything forgotten but its two functions: nothing simplifies, nothing has a closed form.

    Products, sums and stacks keep their parts, each stripped. It is what simplified operators are tested against.
    """
    from invdiff.operators.product import Product
    from invdiff.operators.stack import Stack
    from invdiff.operators.sum import Sum

    match operator:
        case Product():
            return Product(tuple(map(without_structure, operator.parts)))
        case Sum():
            return Sum(tuple(map(without_structure, operator.terms)))
        case Stack():
            return Stack(tuple(map(without_structure, operator.operators)))
        case _:
            return FromFunctions(
                operator.forward,
                operator.adjoint,
                operator.domain_shape,
                operator.codomain_shape,
                name=repr(operator),
                real_domain=operator.real_domain,
                real_codomain=operator.real_codomain,
                preserves_reals=operator.preserves_reals,
                is_complex_linear=operator.is_complex_linear,
            )
