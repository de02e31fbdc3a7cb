"""Sums of operators."""

from functools import reduce

from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.rules import SUM
from invdiff.operators.scaled import ScaledIdentity
from invdiff.operators.structure import Structure


class Sum(LinearOperator, Frozen):
    """x -> A x + B x + ...; the terms map the same shapes. Build it with ``+``."""

    terms: tuple[LinearOperator, ...]

    @property
    def domain_shape(self) -> Shape:
        return self.terms[0].domain_shape

    @property
    def codomain_shape(self) -> Shape:
        return self.terms[0].codomain_shape

    @property
    def structure(self) -> Structure:
        kept = Structure.POSITIVE | Structure.DIAGONAL
        return reduce(lambda found, term: found & term.structure, self.terms, kept)

    @property
    def real_domain(self) -> bool:
        return any(term.real_domain for term in self.terms)

    @property
    def real_codomain(self) -> bool:
        return any(term.real_codomain for term in self.terms)

    @property
    def preserves_reals(self) -> bool:
        return all(term.preserves_reals for term in self.terms)

    @property
    def is_complex_linear(self) -> bool:
        return all(term.is_complex_linear for term in self.terms)

    @property
    def H(self) -> LinearOperator:
        return self if self.is_self_adjoint else Sum(tuple(term.H for term in self.terms))

    @property
    def is_positive_definite(self) -> bool:
        return self.is_positive and any(term.is_positive_definite for term in self.terms)

    def nearest_circulant(self) -> LinearOperator | None:
        terms = [nearest for term in self.terms if (nearest := term.nearest_circulant()) is not None]
        return reduce(add, terms) if len(terms) == len(self.terms) else None

    def norm_bound(self) -> float:
        return sum(term.norm_bound() for term in self.terms)

    def forward(self, x: Tensor) -> Tensor:
        total = self.terms[0].forward(x)
        for term in self.terms[1:]:
            total = total + term.forward(x)
        return total

    def adjoint(self, y: Tensor) -> Tensor:
        total = self.terms[0].adjoint(y)
        for term in self.terms[1:]:
            total = total + term.adjoint(y)
        return total

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.terms))


def add(left: LinearOperator, right: LinearOperator) -> LinearOperator:
    """left + right, each new term merged into the first that a rule of the table SUM can merge it with.

    Raises:
        InputError: the shapes differ, or one takes or makes real arrays and the other complex ones.
    """
    if (left.domain_shape, left.codomain_shape) != (right.domain_shape, right.codomain_shape):
        raise InputError(
            f"{left!r} maps {left.domain_shape} to {left.codomain_shape} but {right!r} maps {right.domain_shape} to "
            f"{right.codomain_shape}; only operators between the same shapes add."
        )
    if not _same_kinds(left, right):
        raise InputError(
            f"{left!r} and {right!r} map {left.domain_shape} to {left.codomain_shape} but differ in whether these "
            f"arrays are real; compose the complex one with RealPart first."
        )
    terms: list[LinearOperator] = list(left.terms) if isinstance(left, Sum) else [left]
    for term in right.terms if isinstance(right, Sum) else (right,):
        for i, present in enumerate(terms):
            merged = _merged(present, term)
            if merged is not None:
                terms[i] = merged
                break
        else:
            terms.append(term)
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def _same_kinds(left: LinearOperator, right: LinearOperator) -> bool:
    """Whether both have real ends alike, or one has only real ends and the other keeps reals real."""
    ends = {(a.real_domain, a.real_codomain): a.preserves_reals for a in (left, right)}
    return len(ends) == 1 or (ends.keys() == {(False, False), (True, True)} and ends[False, False])


def _merged(left: LinearOperator, right: LinearOperator) -> LinearOperator | None:
    left, right = _as_scaled(left), _as_scaled(right)
    found = SUM.find(left, right)
    return SUM.find(right, left) if found is None else found


def _as_scaled(operator: LinearOperator) -> LinearOperator:
    return ScaledIdentity(1.0, operator) if isinstance(operator, Identity) else operator


@SUM.rule(ScaledIdentity, ScaledIdentity, "a I + b I = (a + b) I")
def _(left: ScaledIdentity, right: ScaledIdentity) -> LinearOperator:
    return (left.scale + right.scale) * left.operator
