"""deepinv's own test of adjoints, on every operator of the package."""

import pytest
import torch

from invdiff.bridges import to_deepinv
from invdiff.operators import FromFunctions, LinearOperator
from tests.operators.test_contracts import OPERATORS

SEEING = {name: A for name, A in OPERATORS.items() if name != "nothing"}  # of zero deepinv makes 0 / 0


@pytest.mark.parametrize("A", [each for B in SEEING.values() for each in (B, B.H)], ids=repr)
def test_deepinv_finds_the_adjoint(A: LinearOperator) -> None:
    physics = to_deepinv(A)
    assert physics.adjointness_test(img_size=physics.img_size, dtype=torch.float64, num_samples=3) < 1e-10


@pytest.mark.parametrize("A", SEEING.values(), ids=SEEING)
def test_deepinv_would_find_a_wrong_one(A: LinearOperator) -> None:
    wrong = FromFunctions(
        A.forward, lambda y: 1.01 * A.adjoint(y), A.domain_shape, A.codomain_shape, real_domain=A.real_domain,
        real_codomain=A.real_codomain, is_complex_linear=A.is_complex_linear,
    )  # fmt: skip
    torch.manual_seed(0)
    physics = to_deepinv(wrong)
    assert physics.adjointness_test(img_size=physics.img_size, dtype=torch.float64, num_samples=3) > 1e-10
