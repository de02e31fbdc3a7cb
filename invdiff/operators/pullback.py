"""Bᴴ M B: a rule of the table PULLBACK where one applies, else the product as it stands."""

from invdiff.errors import InputError
from invdiff.operators.base import LinearOperator
from invdiff.operators.rules import PULLBACK


def pullback(operator: LinearOperator, middle: LinearOperator) -> LinearOperator:
    """See `LinearOperator.pullback`.

    Raises:
        InputError: M does not map the codomain of B to itself.
    """
    if not middle.domain_shape == middle.codomain_shape == operator.codomain_shape:
        raise InputError(
            f"{operator!r} makes arrays of shape {operator.codomain_shape}, but {middle!r} maps "
            f"{middle.domain_shape} to {middle.codomain_shape}; it must map that shape to itself."
        )
    found = PULLBACK.find(operator, middle)
    return operator.H @ middle @ operator if found is None else found
