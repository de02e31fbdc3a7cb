"""Conjugate gradients: items do not know of each other, and an end before the tolerance is not silent."""

import warnings

import pytest
import torch

import invdiff.operators.conjugate_gradient as module
from invdiff.operators import ConvergenceWarning, Diagonal, Identity, LinearOperator, sense, without_structure
from invdiff.operators.functions import FromFunctions
from invdiff.operators.structure import Structure

GENERATOR = torch.Generator().manual_seed(1)
SHAPE = (6, 8)
A = sense(
    torch.rand(SHAPE, generator=GENERATOR) > 0.5, torch.randn(3, *SHAPE, dtype=torch.complex128, generator=GENERATOR)
)
PRECISION = Identity(SHAPE) + 0.5 * A.gram
B = torch.randn(5, *SHAPE, dtype=torch.complex128, generator=GENERATOR) * torch.tensor([1, 1e-6, 1e6, 0, 1]).reshape(
    5, 1, 1
)


def check_items_alone(operator: LinearOperator, max_iter: int | None) -> None:
    together = operator.solve(B, max_iter=max_iter)
    for item, b in zip(together, B, strict=True):
        alone = operator.solve(b, max_iter=max_iter)
        assert (item - alone).norm() <= 1e-12 * alone.norm()


@pytest.mark.parametrize("max_iter", [3, None])
def test_an_item_does_not_depend_on_its_batch(max_iter: int | None) -> None:
    check_items_alone(PRECISION, max_iter)
    assert (PRECISION.solve(B.reshape(5, 1, *SHAPE)) - PRECISION.solve(B).unsqueeze(1)).abs().max() <= 1e-12 * 1e6


def test_a_batch_that_is_mixed_is_noticed() -> None:
    def mixing(x: torch.Tensor) -> torch.Tensor:
        return PRECISION(x) + (0.1 * x.mean(0) if x.ndim > 2 else 0)

    mixed = FromFunctions(mixing, mixing, SHAPE, SHAPE, structure=Structure.POSITIVE)
    with pytest.raises(AssertionError):
        check_items_alone(mixed, 3)


def test_every_item_reaches_the_tolerance() -> None:
    residuals = (PRECISION(PRECISION.solve(B, tol=1e-9)) - B).flatten(1).norm(dim=1)
    assert bool((residuals <= 1.1e-9 * B.flatten(1).norm(dim=1)).all())
    loose = (PRECISION(PRECISION.solve(B, tol=1e-2)) - B).flatten(1).norm(dim=1) / B.flatten(1).norm(dim=1)
    assert float(loose[0]) > 1e-6, "a loose tolerance stops sooner"


def test_an_item_that_has_converged_is_frozen() -> None:
    """A right-hand side in an eigenspace is solved in one step, and the others' steps do not touch it."""
    spread = without_structure(Diagonal(torch.linspace(1, 2, 8).double()))
    operator = FromFunctions(spread.forward, spread.adjoint, (8,), (8,), structure=Structure.POSITIVE)
    unit = torch.eye(8).double()[2]
    b = torch.stack([unit, torch.ones(8).double()])
    assert torch.equal(operator.solve(b)[0], operator.solve(b, max_iter=1)[0])
    assert not torch.equal(operator.solve(b)[1], operator.solve(b, max_iter=1)[1])

    solution = operator.solve(b)
    assert torch.equal(operator.solve(b, initial=solution, tol=1e-9), solution)


def test_a_singular_operator_gives_the_solution_of_least_norm() -> None:
    gram = without_structure(Diagonal(torch.tensor([1.0, 0, 3]).double()))
    operator = FromFunctions(gram.forward, gram.adjoint, (3,), (3,), structure=Structure.POSITIVE)
    assert operator.solve(torch.tensor([2.0, 0, 6]).double()).tolist() == pytest.approx([2, 0, 2])


def test_single_precision_reaches_its_tolerance() -> None:
    b = B[0].to(torch.complex64)
    x = PRECISION.solve(b)
    assert x.dtype == torch.complex64
    assert float((PRECISION(x) - b).norm() / b.norm()) < 5e-6


def test_a_limit_that_does_not_suffice_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULT_LIMIT", 2)
    with pytest.warns(
        ConvergenceWarning, match=r"after 2 iterations at a relative residual of \d\.\de-\d+, above the tolerance"
    ):
        PRECISION.solve(B)
    with pytest.warns(ConvergenceWarning):
        A.pinv(A(B[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PRECISION.solve(B, max_iter=2)
        PRECISION.solve(B, tol=0.9)


def test_nan_is_seen_in_its_item_alone() -> None:
    b = B.clone()
    b[1, 2, 3] = torch.nan
    x = PRECISION.solve(b)
    assert x[1].isnan().any()
    assert not x[[0, 2, 3, 4]].isnan().any()
