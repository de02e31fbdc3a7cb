"""The residual's noise against closed forms: for a linear fit J the traces are known, and so is the expectation."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.data import Scan, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.data.picture import Picture
from invdiff.diffusion import Problem
from invdiff.errors import InputError
from invdiff.operators import Identity, LinearOperator, sense
from invdiff.reconstruction import picture_cases, residual_noise, scan_cases, with_residual_noise

SIDE = 16


def wiener(variance: float) -> Callable[[Problem], Tensor]:
    """The posterior mean for a white Gaussian image of this variance (in each real number)."""

    def reconstruct(problem: Problem) -> Tensor:
        weight = max(problem.noise_std**2 / variance, 1e-9)
        identity = Identity(problem.operator.domain_shape)
        return (weight * identity + problem.operator.gram).solve(problem.zero_filled, tol=1e-10, max_iter=300)

    return reconstruct


def normal(shape: tuple[int, ...], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.view_as_complex(torch.randn(*shape, 2, dtype=torch.float64, generator=generator))


def operator(coils: int, seed: int) -> LinearOperator:
    mask = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) < 0.6
    return sense(mask, normal((coils, SIDE, SIDE), seed) / coils**0.5)


def dense(A: LinearOperator) -> Tensor:
    basis = torch.eye(SIDE**2, dtype=torch.complex128).reshape(-1, SIDE, SIDE)
    return A(basis).reshape(SIDE**2, -1).T


@settings(deadline=None, max_examples=6)
@given(coils=st.integers(2, 4), seed=st.integers(0, 99), level=st.sampled_from([1e-6, 0.1, 1.0, 1e6]))
def test_freedom_is_that_of_the_closed_form(coils: int, seed: int, level: float) -> None:
    """N - 2 tr J + tr JᵀJ, on the average of probes."""
    A = operator(coils, seed)
    y = A(normal((SIDE, SIDE), 1)) * level + level * normal(A.codomain_shape, 2)
    fit = wiener(level**2)
    M = dense(A)
    J = M @ torch.linalg.solve(M.conj().T @ M + torch.eye(SIDE**2), M.conj().T)
    count = 2 * len(M)
    exact = count - 4 * float(torch.trace(J).real) + 2 * float(J.abs().square().sum())
    found = [residual_noise(Problem(A, y, level), fit, rounds=1, seed=i).freedom for i in range(12)]
    spread = np.std(found) / 12**0.5
    assert np.mean(found) == pytest.approx(exact, abs=max(5 * spread, 1e-3 * exact))
    without_q = count - 4 * float(torch.trace(J).real)
    assert abs(np.mean(found) - without_q) > 6 * spread  # each term counts
    assert abs(np.mean(found) - count) > 6 * spread


@settings(deadline=None, max_examples=6)
@given(coils=st.integers(3, 4), seed=st.integers(0, 99), level=st.sampled_from([1e-3, 0.1, 100.0]))
def test_the_level_of_a_fit_without_bias_is_the_noise(coils: int, seed: int, level: float) -> None:
    """Least squares reproduces A x, so that s² is unbiased, from a first level that is twice or half of it."""
    A = operator(coils, seed)
    y = A(1e3 * level * normal((SIDE, SIDE), seed + 1)) + level * normal(A.codomain_shape, seed + 2)
    for wrong in (0.5, 2.0):
        found = residual_noise(Problem(A, y, wrong * level), wiener(1e6 * level**2))
        assert abs(found.std / level - 1) < 4 * found.uncertainty
        assert found.uncertainty < 0.25
        residual = y - A(wiener(1e6 * level**2)(Problem(A, y, level)))
        naive = float(residual.abs().square().sum() / (2 * y.numel())) ** 0.5
        assert abs(naive / level - 1) > 1.5 * found.uncertainty  # without the freedom it is too small


def test_units_and_the_seed() -> None:
    A = operator(3, 0)
    problem = Problem(A, A(normal((SIDE, SIDE), 1)) + 0.1 * normal(A.codomain_shape, 2), 0.1)
    once = residual_noise(problem, wiener(1.0))
    assert residual_noise(problem, wiener(1.0)) == once
    loud = Problem(A, 1e15 * problem.y, 1e14)
    assert residual_noise(loud, wiener(1e30)).std == pytest.approx(1e15 * once.std, rel=1e-4)


def test_no_noise_at_all() -> None:
    A = operator(4, 0)
    y = A(normal((SIDE, SIDE), 1))
    found = residual_noise(Problem(A, y, 0.0), wiener(1e4))
    assert found.std < 1e-6 * float(y.abs().max())


def test_refusals() -> None:
    A = operator(2, 0)
    y = normal(A.codomain_shape, 0)
    with pytest.raises(InputError, match=r"give Problem\(noise_std=...\)"):
        residual_noise(Problem(A, y), wiener(1.0))
    with pytest.raises(InputError, match="one round or more, not 0"):
        residual_noise(Problem(A, y, 0.1), wiener(1.0), rounds=0)
    identity = Problem(Identity((SIDE, SIDE)), normal((SIDE, SIDE), 0), 0.1)
    with pytest.raises(InputError, match="follows 512 measured numbers so closely"):
        residual_noise(identity, lambda problem: problem.y)


NOISE = 0.01
FULL = simulate(np.abs(shepp_logan((48, 48))), coils=6, noise_std=NOISE)
MASK = equispaced((48, 48), 3, 10)


def test_the_residual_s_level_is_assumed_and_both_are_kept() -> None:
    cases = scan_cases(Scan(FULL.kspace, maps=FULL.maps), "sense", mask=MASK)
    first = cases.preparation.noise_std
    doubtful = replace(
        cases,
        preparation=replace(cases.preparation, noise_std=2 * NOISE, noise_uncertainty=0.5),
    )
    found = with_residual_noise(doubtful, wiener(1.0))
    assert found.measured.noise_std == pytest.approx(NOISE, rel=0.1)
    assert [problem.noise_std for problem in found] == [found.measured.noise_std]
    assert (found.preparation.noise_std, found.preparation.residual.std) == (2 * NOISE, found.measured.noise_std)
    assert found.preparation.report[0].endswith(f": {2 * NOISE:.3g}")
    assert "by which the data are judged" in found.preparation.report[1]
    assert found.preparation.attributes["first_noise_std"] == 2 * NOISE
    assert first == pytest.approx(NOISE, rel=0.1)


@pytest.mark.parametrize(
    ("uncertainty", "residual", "is_settled"),
    [(0.0, 9.0, True), (0.02, 1.0, True), (0.02, 1.5, False), (0.1, 1.0, False)],
)
def test_a_residual_is_looked_at_where_noise_or_maps_leave_doubt(
    uncertainty: float, residual: float, is_settled: bool
) -> None:
    cases = scan_cases(Scan(FULL.kspace, maps=FULL.maps), "sense", mask=MASK)
    calibration = replace(cases.preparation.calibration, residual=residual, noise_residual=1.0)
    prepared = replace(cases.preparation, noise_uncertainty=uncertainty, calibration=calibration)
    assert prepared.is_settled == is_settled


def test_a_level_that_was_given_stays() -> None:
    cases = scan_cases(Scan(FULL.kspace, maps=FULL.maps), "sense", mask=MASK, noise_std=0.03)
    assert with_residual_noise(cases, wiener(1.0)).measured.noise_std == 0.03


def test_pictures_and_fits_without_freedom_stay_as_they_are() -> None:
    picture = picture_cases(Picture(np.abs(shepp_logan((16, 16)))[None], noise_std=0.1), "denoise")
    assert with_residual_noise(picture, wiener(1.0)) is picture
    single = scan_cases(Scan(FULL.kspace[:, :1]), "fourier", mask=MASK)
    assert with_residual_noise(single, lambda problem: problem.zero_filled) is single
