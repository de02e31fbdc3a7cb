"""Projection onto the measured data: of real images, and Song's closed form for complex ones."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.operators import Fourier, LinearOperator, Mask, RealPart, Subsample, inpainting, sense

SHAPES = [(6, 5), (4, 8), (7,)]


def problem(shape: tuple[int, ...], seed: int = 0) -> tuple[Tensor, LinearOperator, Tensor, Tensor]:
    """A random mask, P(Λ) F, two complex images."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(shape, generator=generator) > 0.5
    mask.view(-1)[0] = True
    images = torch.randn(2, *shape, dtype=torch.complex128, generator=generator)
    return mask, Subsample(mask) @ Fourier(shape), images[0], images[1]


def mirrored(mask: Tensor) -> Tensor:
    """The mask at frequency -k, for k = 0 at n // 2."""
    axes = tuple(range(mask.ndim))
    return torch.fft.fftshift(torch.fft.ifftshift(mask).flip(axes).roll([1] * mask.ndim, axes))


@pytest.mark.parametrize("shape", SHAPES)
def test_real_images_are_projected_with_unpaired_frequencies_twice(shape: tuple[int, ...]) -> None:
    mask, complex_operator, x, truth = problem(shape)
    A, F = complex_operator @ RealPart(shape).H, Fourier(shape)
    y = A(truth.real)
    weight = torch.where(mask & ~mirrored(mask), 2.0, 1.0)
    expected = x.real + F.H(weight * Subsample(mask).H(y - A(x.real))).real
    projected = A.project(x.real, y)
    torch.testing.assert_close(projected, expected)
    torch.testing.assert_close(A(projected), y)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_real_part_of_the_complex_projection_is_another_map(shape: tuple[int, ...]) -> None:
    """One "merge, inverse transform, real part" leaves much of the data unmet; each more halves what is left."""
    _, complex_operator, x, truth = problem(shape)
    A = complex_operator @ RealPart(shape).H
    y, merged, residuals = A(truth.real), x.real, []
    for _ in range(4):
        torch.testing.assert_close(complex_operator.project(merged, y).real, merged + A.H(y - A(merged)))
        merged = complex_operator.project(merged, y).real
        residuals.append(float((A(merged) - y).norm() / y.norm()))
    assert residuals[0] > 0.1
    assert residuals[1:] == pytest.approx([r / 2 for r in residuals[:-1]], rel=1e-6)
    assert float((A(A.project(x.real, y)) - y).norm() / y.norm()) < 1e-12


def test_with_a_symmetric_mask_both_are_one() -> None:
    mask, _, x, truth = problem((6, 5))
    complex_operator = Subsample(mask | mirrored(mask)) @ Fourier((6, 5))
    A = complex_operator @ RealPart((6, 5)).H
    y = A(truth.real)
    torch.testing.assert_close(complex_operator.project(x.real, y).real, A.project(x.real, y))


@given(st.sampled_from(SHAPES), st.floats(0, 1), st.integers(0, 100))
def test_complex_images_follow_the_closed_form(shape: tuple[int, ...], lam: float, seed: int) -> None:
    """x + λ A⁺(y - A x) = T⁻¹[λ Λ P⁺ y + (1 - λ) Λ T x + (I - Λ) T x] (Song 2021, eq. (7)), for complex states."""
    mask, A, x, noisy = problem(shape, seed)
    P, L, T, y = Subsample(mask), Mask(mask), Fourier(shape), A(noisy)
    kspace = T(x)
    closed = T.H(lam * L(P.pinv(y)) + (1 - lam) * L(kspace) + (kspace - L(kspace)))
    torch.testing.assert_close(x + lam * A.pinv(y - A(x)), closed)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(x + (lam + 0.1) * A.pinv(y - A(x)), closed)


# Twice is once


def ill_conditioned(columns: list[int]) -> LinearOperator:
    """SENSE from few lines and three smooth maps: singular values from one to next to nothing."""
    line = torch.linspace(-1, 1, 24)
    squares = [
        (line[:, None] - 1.2 * math.sin(angle)) ** 2 + (line - 1.2 * math.cos(angle)) ** 2
        for angle in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)
    ]
    maps = torch.stack([torch.polar(torch.exp(-square / 2), square) for square in squares])
    mask = torch.zeros(24, 24, dtype=torch.bool)
    mask[:, columns] = True
    return sense(mask, (maps / maps.abs().square().sum(0).sqrt()).to(torch.complex128))


def check_twice_is_once(A: LinearOperator, project: Callable[[Tensor, Tensor], Tensor], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    kind = torch.complex128 if A.is_complex_linear else torch.float64
    y = A(torch.randn(A.domain_shape, dtype=kind, generator=generator))
    once = project(torch.randn(A.domain_shape, dtype=kind, generator=generator), y)
    assert (project(once, y) - once).norm() <= 1e-4 * once.norm()
    assert (A(once) - y).norm() <= 1e-3 * y.norm()


FEW = {"one line": ([12], None), "eight lines": ([8, 9, 10, 11, 12, 13, 14, 15], 1e-6)}
"""Columns that are sampled, and a tolerance that conjugate gradients reach."""


@pytest.mark.parametrize("lines", FEW)
@given(seed=st.integers(0, 5))
@settings(max_examples=4)
def test_a_point_that_meets_the_data_stays(lines: str, seed: int) -> None:
    columns, tol = FEW[lines]
    A = ill_conditioned(columns)
    check_twice_is_once(A, lambda x, y: A.project(x, y, tol=tol), seed)


@given(seed=st.integers(0, 100), shape=st.sampled_from(SHAPES))
def test_closed_forms_are_projections(seed: int, shape: tuple[int, ...]) -> None:
    mask, A, *_ = problem(shape, seed)
    for B in (A, A @ RealPart(shape).H, inpainting(mask)):
        check_twice_is_once(B, B.project, seed)


@pytest.mark.filterwarnings("ignore::invdiff.operators.ConvergenceWarning")
@pytest.mark.parametrize("lines", FEW)
def test_a_residual_that_is_solved_to_its_own_size_moves_what_meets_the_data(lines: str) -> None:
    """What rounding leaves of y - A x is blown up where the gram is nearly singular."""
    columns, tol = FEW[lines]
    A = ill_conditioned(columns)
    with pytest.raises(AssertionError):
        check_twice_is_once(A, lambda x, y: x + A.pinv(y - A(x), tol=tol), 1)
