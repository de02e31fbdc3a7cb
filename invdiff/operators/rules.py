"""The tables of simplification rules: small functions found by the types of the two operators that meet.

A rule is one row: the kinds it applies to, what it says as an equation, and a function that returns the simpler
operator or ``None`` where its condition does not hold. The operators' own files add their rows; the documentation
prints them.
"""

from collections.abc import Callable

from invdiff.operators.base import LinearOperator
from invdiff.operators.lift import lift, unlift

Simplify = Callable[..., LinearOperator | None]


class Rules:
    """One table: pairs of operator types to the rules that may simplify them."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._rules: dict[tuple[type, type], list[Simplify]] = {}
        self._rows: list[tuple[str, str]] = []

    def rule(self, left: type, right: type, says: str) -> Callable[[Simplify], Simplify]:
        """Add a row for a left and a right operator type (and their subclasses), ``says`` being "left side = right
        side"."""

        def add(function: Simplify) -> Simplify:
            self._rules.setdefault((left, right), []).append(function)
            before, after = says.split(" = ", 1)
            if (before, after) not in self._rows:
                self._rows.append((before, after))
            return function

        return add

    def rows(self) -> list[tuple[str, str]]:
        """Every row as (left-hand side, right-hand side)."""
        return list(self._rows)

    def find(self, left: LinearOperator, right: LinearOperator) -> LinearOperator | None:
        """What the first applicable rule makes of the pair, most specific types first; operators lifted alike are seen
        bare."""
        for a in type(left).__mro__:
            for b in type(right).__mro__:
                for simplify in self._rules.get((a, b), ()):
                    found = simplify(left, right)
                    if found is not None:
                        return found
        bare = unlift(left, right)
        if bare is not None:
            prefix, inner_left, inner_right = bare
            found = self.find(inner_left, inner_right)
            return None if found is None else lift(prefix, found)
        return None


PRODUCT = Rules("Products: what `A @ B` becomes")
PULLBACK = Rules("Pullbacks: what `B.pullback(M)`, that is Bᴴ M B, becomes")
SUM = Rules("Sums: what `A + B` becomes")
