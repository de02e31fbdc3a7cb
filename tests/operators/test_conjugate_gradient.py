"""Conjugate gradients: items do not know of each other, and an end before the tolerance is not silent."""

import math
import warnings
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import invdiff.operators.conjugate_gradient as module
from invdiff.operators import (
    Circulant,
    ConvergenceWarning,
    Diagonal,
    Identity,
    LinearOperator,
    Mask,
    Subsample,
    inpainting,
    sense,
    without_structure,
)
from invdiff.operators.conjugate_gradient import Solution
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


# Preconditioned


@st.composite
def precisions(draw: Callable[[st.SearchStrategy[int]], int]) -> LinearOperator:
    """a I + b AᴴA or C + b AᴴA, for SENSE, missing pixels, and missing pixels of a blurred image."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    mask = torch.rand(SHAPE, generator=generator) < 0.5
    mask[0, 0] = True
    maps = torch.randn(3, *SHAPE, dtype=torch.complex128, generator=generator)
    blur = Circulant(SHAPE, torch.rand(SHAPE, generator=generator), (-2, -1))
    G = [sense(mask, maps), inpainting(mask), Subsample(mask) @ blur][draw(st.integers(0, 2))].gram
    shift = 10.0 ** draw(st.integers(-2, 2))
    if draw(st.booleans()):
        return shift * Identity(SHAPE) + G
    return Circulant(SHAPE, shift + 10 * torch.rand(SHAPE, generator=generator), (-2, -1)) + G


def check_preconditioned(A: LinearOperator, preconditioner: LinearOperator | None) -> None:
    plain = A.solve(B)
    left = (A.solve(B, preconditioner=preconditioner) - plain).flatten(1).norm(dim=1)
    assert bool((left <= 1e-6 * plain.flatten(1).norm(dim=1)).all())


@given(A=precisions())
@settings(max_examples=40)
def test_preconditioned_and_not_it_is_one_solution(A: LinearOperator) -> None:
    check_preconditioned(A, A.preconditioner)


def test_a_preconditioner_that_is_not_positive_is_noticed() -> None:
    mask = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) < 0.5
    with pytest.warns(ConvergenceWarning), pytest.raises(AssertionError):
        check_preconditioned(PRECISION, Mask(mask))


def told(A: LinearOperator, b: Tensor, **options: object) -> Solution:
    """What a solve reports, which it does once."""
    heard: list[Solution] = []
    A.solve(b, report=heard.append, **options)  # type: ignore[arg-type]
    (solution,) = heard
    return solution


def test_preconditioned_it_takes_fewer_iterations() -> None:
    """Where the precision of the prior grows with frequency, as of natural images."""
    down, across = (torch.fft.fftfreq(side).double() for side in SHAPE)
    steep = Circulant(SHAPE, 1e-3 + 1e3 * (down[:, None] ** 2 + across**2), (-2, -1)) + A.gram
    assert told(steep, B, preconditioner=steep.preconditioner).iterations < told(steep, B).iterations / 2


# What is reported


def check_report(solve: Callable[..., Tensor], max_iter: int | None, tol: float) -> None:
    """The relative residual of the worst item, and the fewest iterations that reach it."""
    heard: list[Solution] = []
    x = solve(B, max_iter=max_iter, tol=tol, report=heard.append)
    (solution,) = heard
    whole = B.flatten(1).norm(dim=1)
    left = (B - PRECISION(x)).flatten(1).norm(dim=1) / torch.where(whole > 0, whole, 1)
    assert solution.residual == pytest.approx(float(left.max()), rel=1e-3)
    assert solution.converged == (solution.residual <= tol)
    assert solution.iterations <= (max_iter or math.inf)
    assert torch.equal(PRECISION.solve(B, max_iter=solution.iterations, tol=tol), x)
    if solution.iterations:
        assert not torch.equal(PRECISION.solve(B, max_iter=solution.iterations - 1, tol=tol), x)


@pytest.mark.parametrize("max_iter", [1, 4, None])
@pytest.mark.parametrize("tol", [1e-8, 1e-3, 0.5])
def test_iterations_and_residual_are_the_true_ones(max_iter: int | None, tol: float) -> None:
    check_report(PRECISION.solve, max_iter, tol)


@pytest.mark.parametrize(
    "wrongly",
    [
        lambda solved: solved._replace(iterations=solved.iterations + 1),
        lambda solved: solved._replace(iterations=solved.iterations - 1),
        lambda solved: solved._replace(residual=1.1 * solved.residual),
        lambda solved: solved._replace(converged=not solved.converged),
    ],
)
def test_a_wrong_report_is_noticed(wrongly: Callable[[Solution], Solution]) -> None:
    def solve(b: Tensor, *, report: Callable[[Solution], None], **options: object) -> Tensor:
        return PRECISION.solve(b, report=lambda solved: report(wrongly(solved)), **options)  # type: ignore[arg-type]

    with pytest.raises(AssertionError):
        check_report(solve, 4, 1e-8)


def test_nothing_to_solve_takes_no_iteration() -> None:
    assert told(PRECISION, 0 * B) == Solution(0, 0.0, True)
    assert told(PRECISION, B[:0]) == Solution(0, 0.0, True)
    assert told(PRECISION, B, initial=PRECISION.solve(B), tol=1e-6).iterations == 0


def test_what_is_out_of_range_is_told_as_unsolved() -> None:
    """A right-hand side that a singular operator makes of nothing: no iteration changes it."""
    singular = without_structure(Diagonal(torch.tensor([1.0, 0, 3]).double()))
    operator = FromFunctions(singular.forward, singular.adjoint, (3,), (3,), structure=Structure.POSITIVE)
    assert told(operator, torch.tensor([0.0, 1, 0]).double(), max_iter=10) == Solution(1, 1.0, False)


# Numbers of any size


def check_scales(solve: Callable[[Tensor], tuple[Tensor, int]], power: int) -> None:
    """b times a power of two, which rounds nothing, gives x times it in as many iterations."""
    b = B[0].to(torch.complex64)
    once, many = solve(b), solve(b * 2.0**power)
    assert once[1] == many[1] > 1
    assert torch.equal(many[0] / 2.0**power, once[0])


@given(power=st.integers(-95, 95), preconditioned=st.booleans())
@settings(max_examples=40)
def test_iterations_do_not_depend_on_the_size_of_numbers(power: int, preconditioned: bool) -> None:
    """From 1e-30 to 1e30 in single precision, whose squares overflow or vanish."""

    def solve(b: Tensor) -> tuple[Tensor, int]:
        heard: list[Solution] = []
        by = PRECISION.preconditioner if preconditioned else None
        return PRECISION.solve(b, preconditioner=by, report=heard.append), heard[0].iterations

    check_scales(solve, power)


@pytest.mark.parametrize("power", [-95, 95])
def test_a_solve_that_squares_its_numbers_as_they_are_is_noticed(power: int) -> None:
    def steepest(b: Tensor) -> tuple[Tensor, int]:
        x, residual = torch.zeros_like(b), b
        for _ in range(3):
            step = torch.vdot(residual.flatten(), residual.flatten())
            step = step / torch.vdot(residual.flatten(), PRECISION(residual).flatten())
            x, residual = x + step * residual, residual - step * PRECISION(residual)
        return x, 3

    check_scales(steepest, 5)
    with pytest.raises(AssertionError):
        check_scales(steepest, power)


@given(exponent=st.integers(-30, 30), preconditioned=st.booleans())
def test_scales_of_the_operator_cancel(exponent: int, preconditioned: bool) -> None:
    """a (I + AᴴA) x = a b, in single precision, and by a preconditioner that is as far from one."""
    b, a = B[0].to(torch.complex64), 10.0**exponent
    scaled = a * Identity(SHAPE) + 0.5 * a * A.gram
    by = [operator.preconditioner if preconditioned else None for operator in (scaled, PRECISION)]
    made, expected = scaled.solve(a * b, preconditioner=by[0]), PRECISION.solve(b, preconditioner=by[1])
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)
    assert told(scaled, a * b, preconditioner=by[0]).iterations == told(PRECISION, b, preconditioner=by[1]).iterations


@given(exponent=st.integers(-30, 30))
def test_the_scale_of_a_preconditioner_does_not_matter(exponent: int) -> None:
    b, by = B[0].to(torch.complex64), PRECISION.preconditioner
    assert by is not None
    made = PRECISION.solve(b, preconditioner=10.0**exponent * by)
    torch.testing.assert_close(made, PRECISION.solve(b, preconditioner=by), rtol=1e-4, atol=1e-5)
