"""SENSE grams in blocks of coils: as of all coils at once, whatever the sets and the convolution."""

import pytest
import torch
from torch import Tensor

import invdiff.operators.sense_gram as module
from invdiff.operators import LinearOperator, non_cartesian_sense, sense

SHAPE = (4, 5)
GENERATOR = torch.Generator().manual_seed(5)


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=GENERATOR)


MASK, POINTS = torch.rand(SHAPE, generator=GENERATOR) > 0.5, torch.rand(9, 2, generator=GENERATOR) - 0.5
OPERATORS = {
    "on the grid": sense(MASK, normal(5, *SHAPE)),
    "on the grid, two sets": sense(MASK, normal(2, 5, *SHAPE)),
    "off the grid": non_cartesian_sense(POINTS, normal(5, *SHAPE)),
    "off the grid, two sets": non_cartesian_sense(POINTS, normal(2, 5, *SHAPE)),
}


@pytest.mark.parametrize("coils", [1, 2, 5])
@pytest.mark.parametrize("name", OPERATORS)
def test_blocks_of_coils_add_up(monkeypatch: pytest.MonkeyPatch, name: str, coils: int) -> None:
    operator: LinearOperator = OPERATORS[name]
    x = normal(2, *operator.domain_shape)
    whole, gram, seen, transform = operator.H(operator(x)), operator.gram, [], torch.fft.fftn
    torch.testing.assert_close(gram(x), whole)
    sets = 2 if "sets" in name else 1
    monkeypatch.setattr(module, "BLOCK_BYTES", coils * sets * 20 * 16)
    monkeypatch.setattr(
        torch.fft, "fftn", lambda x, dim, **options: seen.append(len(x)) or transform(x, dim=dim, **options)
    )
    torch.testing.assert_close(gram(x), whole)
    assert set(seen) == ({coils, 5 % coils} if coils > 1 else {1}) - {0}
