"""Operators from a space to itself."""

from invdiff.operators.base import LinearOperator, Shape


class Endomorphism(LinearOperator):
    """A linear map of arrays ``(*batch, *domain_shape)`` to arrays of that shape, real ones to real ones by
    definition where its inputs are."""

    @property
    def codomain_shape(self) -> Shape:
        return self.domain_shape

    @property
    def real_codomain(self) -> bool:
        return self.real_domain
