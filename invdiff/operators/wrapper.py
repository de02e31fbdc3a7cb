"""Operators made of one other."""

from invdiff.operators.base import LinearOperator, Shape


class Wrapper(LinearOperator):
    """An operator that maps between the spaces of another, `operator`, and is as linear as that, unless it says
    otherwise."""

    operator: LinearOperator

    @property
    def domain_shape(self) -> Shape:
        return self.operator.domain_shape

    @property
    def codomain_shape(self) -> Shape:
        return self.operator.codomain_shape

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

    def evenness(self) -> float:
        return self.operator.evenness()
