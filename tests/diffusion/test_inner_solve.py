"""Linear systems inside of a method: solved as far as they are said to be, and said where they are not."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.diffusion import (
    VE,
    Converged,
    HalfQuadratic,
    InnerSolve,
    Karras,
    Posterior,
    Proximal,
    Sampler,
    Truncated,
    TwoChannel,
)
from invdiff.operators import ConvergenceWarning, Identity, LinearOperator, sense
from invdiff.operators.conjugate_gradient import Solution
from invdiff.operators.trace import Trace

SHAPE = (6, 8)


def precision(seed: int, shift: float) -> LinearOperator:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(SHAPE, generator=generator) < 0.5
    mask[0, 0] = True
    maps = torch.randn(3, *SHAPE, dtype=torch.complex128, generator=generator)
    return shift * Identity(SHAPE) + sense(mask, maps).gram


def right_hand_sides(seed: int) -> torch.Tensor:
    return torch.randn(2, *SHAPE, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


def check_solved(solve: InnerSolve, tolerance: float, seed: int, shift: float) -> None:
    """To the tolerance, and the trace tells so."""
    A, b, trace = precision(seed, shift), right_hand_sides(seed), Trace()
    x = solve(A, b, torch.ones_like(b), trace)
    residuals = (b - A(x)).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)
    assert float(residuals.max()) <= 1.01 * tolerance
    (told,) = trace.solves
    assert told.converged
    assert told.residual == pytest.approx(float(residuals.max()), rel=1e-3)
    assert trace.iterations == told.iterations > 0
    assert trace.warning is None


@given(seed=st.integers(0, 100), tolerance=st.sampled_from([1e-2, 1e-3, 1e-8]), shift=st.floats(0.01, 10))
@settings(max_examples=30)
def test_it_converges_to_its_tolerance(seed: int, tolerance: float, shift: float) -> None:
    check_solved(Converged(tolerance, 1000), tolerance, seed, shift)


@pytest.mark.parametrize("solve", [Converged(1e-2), Converged(1e-8, at_most=3), Truncated(3)], ids=repr)
def test_what_ends_before_is_noticed(solve: InnerSolve) -> None:
    with pytest.raises(AssertionError):
        check_solved(solve, 1e-8, 0, 0.1)


@given(steps=st.integers(1, 6), seed=st.integers(0, 20))
@settings(max_examples=20)
def test_a_truncated_solve_is_so_many_plain_iterations(steps: int, seed: int) -> None:
    A, b, trace = precision(seed, 0.1), right_hand_sides(seed), Trace()
    x = Truncated(steps)(A, b, torch.ones_like(b), trace)
    assert torch.equal(x, A.solve(b, initial=torch.ones_like(b), max_iter=steps))
    assert not torch.equal(x, A.solve(b, initial=torch.ones_like(b), max_iter=steps + 1))
    assert trace.iterations == steps
    assert trace.warning is None


def test_the_warning_counts_what_was_left_unsolved() -> None:
    trace = Trace([Solution(3, 1e-5, True), Solution(7, 0.02, False), Solution(9, 0.3, False)])
    assert trace.iterations == 19
    assert trace.warning is not None
    assert "2 of 3 linear systems" in trace.warning
    assert "after 9 conjugate-gradient iterations, with a relative residual of up to 3.0e-01" in trace.warning
    assert Trace(trace.solves[:1]).warning is None


# Through a sampler


def run(small, solve: InnerSolve, name: str = "sense") -> tuple[Posterior, list[str]]:
    """Three samples, one after the other, and what is warned of."""
    sampler = Sampler(VE(), Karras(4, 2.0, 0.05), [HalfQuadratic()], TwoChannel(), guidance=Proximal(50.0, solve))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        posterior = sampler(small.problem(name), small.prior(2), samples=3, together=1)
    return posterior, [str(warning.message) for warning in caught if warning.category is ConvergenceWarning]


def test_a_limit_that_is_too_low_is_warned_of_once(small) -> None:
    posterior, said = run(small, Converged(1e-6, at_most=2))
    (sentence,) = said
    assert "raise cg_steps" in sentence
    assert "after 2 conjugate-gradient iterations" in sentence
    open_ones = sum(not solve.converged for solve in posterior.trace.solves)
    assert f"{open_ones} of {len(posterior.trace.solves)} linear systems" in sentence
    assert len(posterior.trace.solves) == 3 * 4


@pytest.mark.parametrize("solve", [Converged(1e-6), Truncated(2)], ids=repr)
def test_what_is_solved_or_meant_to_end_early_is_not(small, solve: InnerSolve) -> None:
    posterior, said = run(small, solve)
    assert said == []
    assert len(posterior.trace.solves) == 3 * 4


def test_closed_forms_leave_no_trace(small) -> None:
    posterior, said = run(small, Converged(1e-6, at_most=1), "fourier")
    assert (posterior.trace.solves, said) == ([], [])
