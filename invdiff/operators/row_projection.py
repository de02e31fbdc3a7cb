"""A⁺ A: the part of an image that was measured."""

from invdiff.operators.base import LinearOperator
from invdiff.operators.functions import FromFunctions
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift, lift
from invdiff.operators.spectral import reciprocal, spectral_part
from invdiff.operators.structure import Structure


def row_projection(operator: LinearOperator) -> LinearOperator:
    """See `LinearOperator.row_projection`."""
    if operator.is_isometry:
        return Identity(operator.domain_shape)
    gram = spectral_part(operator.gram)
    if gram is not None:
        seen = gram.map_spectrum(lambda spectrum: (reciprocal(spectrum) != 0).double())
        return lift(operator.gram.prefix, seen) if isinstance(operator.gram, Lift) else seen

    return FromFunctions(
        lambda x: operator.pinv(operator(x)),
        lambda x: operator.pinv(operator(x)),
        operator.domain_shape,
        operator.domain_shape,
        name=f"({operator!r})⁺ {operator!r}",
        structure=Structure.PROJECTION,
        real_domain=operator.real_domain,
        real_codomain=operator.real_domain,
        preserves_reals=operator.preserves_reals,
        is_complex_linear=operator.is_complex_linear,
    )
