"""Closed forms: what is solved is exact however far eigenvalues lie apart, and is what is sampled."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.operators import Circulant, Diagonal, Identity, LinearOperator
from invdiff.operators.lift import lift
from invdiff.operators.spectral import pseudo_inverse

exponents = st.lists(st.floats(-15, 15), min_size=1, max_size=6)
dtypes = st.sampled_from([torch.float32, torch.float64])


def diagonal(eigenvalues: Tensor) -> LinearOperator:
    return Diagonal(eigenvalues)


def shifted(eigenvalues: Tensor) -> LinearOperator:
    """a I + (D - a I), one eigenvalue of which is a alone."""
    least = float(eigenvalues.min())
    return least * Identity(tuple(eigenvalues.shape)) + Diagonal(eigenvalues - least)


def lifted(eigenvalues: Tensor) -> LinearOperator:
    return lift((2,), Diagonal(eigenvalues))


def check_solved(solve: Callable[[Tensor], Tensor], eigenvalues: Tensor) -> None:
    """The solutions for the eigenvalues themselves are ones."""
    solution = solve(eigenvalues)
    torch.testing.assert_close(solution, torch.ones_like(solution), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", [diagonal, shifted, lifted])
@given(exponents=exponents, dtype=dtypes)
def test_a_positive_definite_operator_is_solved_exactly(
    make: Callable[[Tensor], LinearOperator], exponents: list[float], dtype: torch.dtype
) -> None:
    eigenvalues = 10 ** torch.tensor(exponents, dtype=dtype)
    operator = make(eigenvalues)
    expanded = eigenvalues.expand(operator.domain_shape)
    check_solved(operator.solve, expanded)
    if max(exponents) - min(exponents) > 16:  # beside the largest the least is nothing, but it is not zero
        with pytest.raises(AssertionError):
            check_solved(operator.pinv, expanded)


@pytest.mark.parametrize("make", [diagonal, shifted, lifted])
@given(exponents=exponents, dtype=dtypes)
def test_what_is_sampled_has_the_covariance_that_solve_applies(
    make: Callable[[Tensor], LinearOperator], exponents: list[float], dtype: torch.dtype
) -> None:
    operator = make(10 ** torch.tensor(exponents, dtype=dtype))
    root = operator.sample(lambda shape: torch.ones(shape, dtype=dtype))
    solved = operator.solve(torch.ones(operator.domain_shape, dtype=dtype))
    torch.testing.assert_close(root.square(), solved, rtol=1e-5, atol=0)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(root.square(), 1.01 * solved, rtol=1e-5, atol=0)


@given(exponents=st.lists(st.floats(-10, 0), min_size=1, max_size=6))
def test_a_convolution_of_single_precision_is_solved_exactly_for_doubles(exponents: list[float]) -> None:
    eigenvalues = 10 ** torch.tensor(exponents)
    operator = Circulant((len(exponents),), eigenvalues, (-1,))
    check_solved(lambda b: torch.fft.fft(operator.solve(torch.fft.ifft(b))), eigenvalues.double())
    if max(exponents) - min(exponents) > 8:
        with pytest.raises(AssertionError):
            check_solved(lambda b: torch.fft.fft(operator.pinv(torch.fft.ifft(b))), eigenvalues.double())


@given(exponents=st.lists(st.floats(-3, 3), min_size=1, max_size=6), zeros=st.integers(1, 3))
def test_a_pseudo_inverse_takes_rounding_for_zero(exponents: list[float], zeros: int) -> None:
    """A zero that was rounded on its way is one; `solve` knows exact zeros alone."""
    spectrum = torch.cat([10 ** torch.tensor(exponents, dtype=torch.float64), torch.zeros(zeros)])
    rounded = torch.where(spectrum == 0, 1e-16 * spectrum.max(), spectrum)
    expected = torch.where(spectrum == 0, 0, 1 / spectrum)
    b = torch.ones(len(spectrum), dtype=torch.float64)
    torch.testing.assert_close(pseudo_inverse(rounded), expected)
    for operator in (Diagonal(rounded), Diagonal(spectrum)):
        torch.testing.assert_close(operator.pinv(b), expected)
    torch.testing.assert_close(Diagonal(spectrum).solve(b), expected)
    assert not torch.allclose(Diagonal(rounded).solve(b), expected)
