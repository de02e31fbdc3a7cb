"""Tensors that are only marked as conjugate or negative, as ``.conj()`` and ``.imag`` leave them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from invdiff.operators import Circulant, Diagonal, Identity, LinearOperator, RealPart, Sensitivities, sense
from invdiff.testing import dense

SHAPE = (3, 4)
MASK = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 0]]) > 0
NUMBERS = torch.randn(2, *SHAPE, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
OPERATORS: dict[str, Callable[[Tensor], LinearOperator]] = {
    "sensitivities": Sensitivities,
    "SENSE": lambda numbers: sense(MASK, numbers),
    "SENSE gram": lambda numbers: sense(MASK, numbers).gram,
    "diagonal": lambda numbers: Diagonal(numbers[0]),
    "circulant": lambda numbers: Circulant(SHAPE, numbers[0], (-2, -1)),
    "real images": lambda numbers: sense(MASK, numbers) @ RealPart(SHAPE).H,
}


def marked(numbers: Tensor) -> Tensor:
    """The same numbers, stored as their conjugates."""
    found = numbers.conj().resolve_conj().conj()
    assert found.is_conj()
    return found


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_of_conjugate_views_is_that_of_their_numbers(name: str) -> None:
    make = OPERATORS[name]
    torch.testing.assert_close(dense(make(marked(NUMBERS))), dense(make(NUMBERS)))
    assert not torch.allclose(dense(make(marked(NUMBERS))), dense(make(marked(NUMBERS.conj()))))


@pytest.mark.parametrize("name", OPERATORS)
def test_it_takes_them(name: str) -> None:
    A = OPERATORS[name](NUMBERS)
    given = marked(NUMBERS[0]).imag if A.real_domain else marked(NUMBERS[0])
    plain = given.resolve_conj().resolve_neg()
    assert given.is_neg() or given.is_conj()
    for taken in (A, A.gram, (Identity(SHAPE) + A.gram).solve):
        torch.testing.assert_close(taken(given), taken(plain))
