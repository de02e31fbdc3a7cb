"""Products: one operator after another, simplified where two factors meet."""

import math

from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.base import LinearOperator, Shape, same
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift, lift
from invdiff.operators.remembered import remembered
from invdiff.operators.rules import PRODUCT, PULLBACK
from invdiff.operators.scaled import Scaled, scaled
from invdiff.operators.structure import Structure


class Product(LinearOperator, Frozen):
    """A B C: two or more factors whose shapes meet exactly, leftmost first. Build it with ``@``."""

    parts: tuple[LinearOperator, ...]

    @property
    def factors(self) -> tuple[LinearOperator, ...]:
        return self.parts

    @property
    def domain_shape(self) -> Shape:
        return self.parts[-1].domain_shape

    @property
    def codomain_shape(self) -> Shape:
        return self.parts[0].codomain_shape

    @remembered
    def structure(self) -> Structure:
        found = Structure.UNITARY
        for factor in self.parts:
            found &= factor.structure
        half = len(self.parts) // 2
        mirrored = all(same(self.parts[i].H, self.parts[-1 - i]) for i in range(half))
        if mirrored:  # Bᴴ M B is what M is
            middle = self.parts[half] if len(self.parts) % 2 else None
            found |= Structure.POSITIVE if middle is None else middle.structure & Structure.POSITIVE
        return found

    @property
    def real_domain(self) -> bool:
        return _reality([(a.real_domain, a.preserves_reals) for a in self.parts])

    @property
    def real_codomain(self) -> bool:
        return _reality([(a.real_codomain, a.preserves_reals) for a in reversed(self.parts)])

    @property
    def preserves_reals(self) -> bool:
        return all(a.preserves_reals for a in self.parts)

    @property
    def is_complex_linear(self) -> bool:
        return all(a.is_complex_linear for a in self.parts)

    @remembered
    def H(self) -> LinearOperator:
        return self if self.is_self_adjoint else Product(tuple(factor.H for factor in reversed(self.parts)))

    def _lifted(self, prefix: Shape) -> LinearOperator:
        return Product(tuple(lift(prefix, factor) for factor in self.parts))

    def _unlifted(self, prefix: Shape) -> LinearOperator | None:
        bare = [factor._unlifted(prefix) for factor in self.parts]
        return None if None in bare else Product(tuple(factor for factor in bare if factor is not None))

    def norm_bound(self) -> float:
        return math.prod(factor.norm_bound() for factor in self.parts)

    def evenness(self) -> float:
        return math.prod(factor.evenness() for factor in self.parts)

    def forward(self, x: Tensor) -> Tensor:
        for factor in reversed(self.parts):
            x = factor.forward(x)
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        for factor in self.parts:
            y = factor.adjoint(y)
        return y

    def _pinv(self, y: Tensor, *, tol: float | Tensor | None, max_iter: int | None) -> Tensor:
        """(Q A R)⁺ = Rᴴ A⁺ Qᴴ for an isometry Q and a co-isometry R; conjugate gradients on what stands between."""
        if self.parts[0].is_isometry:
            return _joined(self.parts[1:]).pinv(self.parts[0].adjoint(y), tol=tol, max_iter=max_iter)
        if self.parts[-1].is_co_isometry:
            return self.parts[-1].adjoint(_joined(self.parts[:-1]).pinv(y, tol=tol, max_iter=max_iter))
        return super()._pinv(y, tol=tol, max_iter=max_iter)

    def __repr__(self) -> str:
        return " ".join(f"({a!r})" if " + " in repr(a) else repr(a) for a in self.parts)


def _reality(outermost_first: list[tuple[bool, bool]]) -> bool:
    """Whether arrays at the end opposite to the list's head are real: some end is, and what stands before it keeps
    that.

    Read from the outer end: an operator whose own end is real decides; one that preserves reals passes the question on.
    """
    for is_real, preserves in outermost_first[::-1]:
        if is_real:
            return True
        if not preserves:
            return False
    return False


def product(left: LinearOperator, right: LinearOperator) -> LinearOperator:
    """left @ right: lift the smaller to the larger, pull real scales to the front, cancel where factors meet (PRODUCT).

    Raises:
        InputError: neither meeting shape is a suffix of the other, or complex arrays would meet real ones.
    """
    inner, outer = left.domain_shape, right.codomain_shape
    if len(inner) <= len(outer) and outer[len(outer) - len(inner) :] == inner:
        left = lift(outer[: len(outer) - len(inner)], left)
    elif len(inner) > len(outer) and inner[len(inner) - len(outer) :] == outer:
        right = lift(inner[: len(inner) - len(outer)], right)
    else:
        raise InputError(
            f"{left!r} takes arrays of shape {inner} but {right!r} makes {outer}; one must be the end of the other."
        )
    _check_kinds(left, right)
    scale = 1.0
    stack: list[LinearOperator] = []
    pending = [*reversed(left.factors + right.factors)]
    while pending:
        factor = pending.pop()
        if isinstance(factor, Scaled) and isinstance(factor.scale, float):
            scale *= factor.scale
            pending.extend(reversed(factor.operator.factors))
            continue
        simpler = PRODUCT.find(stack[-1], factor) if stack else None
        if simpler is None:
            stack.append(factor)
        else:
            stack.pop()
            pending.extend(reversed(simpler.factors))
    return scaled(scale, _joined(tuple(stack)))


def _check_kinds(left: LinearOperator, right: LinearOperator) -> None:
    """Where one of the ends that meet is real, the other is, or its operator keeps reals real (both ways)."""
    if left.real_domain and not (right.real_codomain or right.preserves_reals):
        raise InputError(
            f"{left!r} takes real arrays of shape {left.domain_shape} but {right!r} makes complex ones of shape "
            f"{right.codomain_shape}; put RealPart(shape) between them."
        )
    if right.real_codomain and not (left.real_domain or left.preserves_reals):
        raise InputError(
            f"{right!r} makes real arrays of shape {right.codomain_shape} but {left!r} takes complex ones of shape "
            f"{left.domain_shape}; put RealPart(shape).H between them."
        )


def _joined(factors: tuple[LinearOperator, ...]) -> LinearOperator:
    return factors[0] if len(factors) == 1 else Product(factors)


def peel(operator: LinearOperator, kind: type[LinearOperator]) -> tuple[LinearOperator, LinearOperator]:
    """See `LinearOperator.peel`."""
    *others, last = operator.factors
    before = _joined(tuple(others)) if others else Identity(last.codomain_shape)
    if isinstance(last, Scaled):
        rest, part = peel(last.operator, kind)
        return product(before, scaled(last.scale, rest)), part
    bare = last.operator if isinstance(last, Lift) else last
    if not isinstance(bare, kind):
        raise InputError(f"{operator!r} doesn't end in {kind.__name__}, so none can be taken off.")
    return before, last


@PULLBACK.rule(Product, LinearOperator, "(A B)ᴴ M (A B) = Bᴴ (Aᴴ M A) B")
def _(operator: Product, middle: LinearOperator) -> LinearOperator:
    for factor in operator.parts:
        middle = factor.pullback(middle)
    return middle
