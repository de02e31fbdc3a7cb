"""The audit in a world where the posterior is known: Gaussian images, seen by coils at a part of k-space."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.data.coils import birdcage_maps
from invdiff.data.held_out import held_out
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.methods import calibrated
from invdiff.operators import denoising, fourier, inpainting, sense
from invdiff.priors import GaussianPrior
from invdiff.problem import Problem
from invdiff.reconstruction.audit import Correction, Discrepancy, HeldBack, Places, Residual, audit, places_of

H, W, COILS, NOISE = 10, 8, 2, 0.5
SHAPE = (H, W)


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


MAPS = draw(COILS, *SHAPE, seed=1)
MASK = torch.rand(SHAPE, generator=torch.Generator().manual_seed(2)) < 0.7
HELD = torch.from_numpy(np.random.default_rng(3).random(SHAPE) < 0.3)


def problem_of(x: Tensor, seed: int) -> Problem:
    A = sense(MASK, MAPS)
    return Problem(A, A(x) + NOISE * math.sqrt(2) * draw(*A.codomain_shape, seed=seed), NOISE)


@cache
def posterior() -> tuple[Tensor, Tensor]:
    """The matrix that makes the posterior's mean of what is shown, and a root of its covariance, for images that are
    white with a variance of two."""
    shown = HeldBack.of(problem_of(draw(*SHAPE, seed=0), 0), HELD).shown.operator
    dense = shown(torch.eye(H * W, dtype=torch.complex128).reshape(-1, *SHAPE)).reshape(H * W, -1).T
    precision = dense.mH @ dense / NOISE**2 + torch.eye(H * W)  # of each real number: half of the variance of two
    covariance = torch.linalg.inv(precision)
    return covariance @ dense.mH / NOISE**2, torch.linalg.cholesky(covariance)


def discrepancy(seed: int, wider: float = 1.0, samples: int = 4, centred: bool = True) -> Discrepancy:
    """Of exact posterior samples, their deviations ``wider`` than they should be."""
    truth = math.sqrt(2) * draw(*SHAPE, seed=1000 + seed)
    held = HeldBack.of(problem_of(truth, seed=2000 + seed), HELD)
    mean_of, root = posterior()
    mean = mean_of @ held.shown.y.flatten()
    deviations = math.sqrt(2) * draw(samples, H * W, seed=3000 + seed) @ root.T
    drawn = (mean + wider * deviations).reshape(samples, *SHAPE)
    return Discrepancy.of(held.hidden, drawn, mean.reshape(SHAPE) if centred else None)


def pooled(wider: float, centred: bool = True, samples: int = 4) -> Correction:
    total = discrepancy(0, wider, samples, centred)
    for seed in range(1, 60):
        total = total + discrepancy(seed, wider, samples, centred)
    return Correction.of(total)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("wider", [1.0, 0.5, 2.0])
def test_the_ratio_is_what_the_spread_lacks(wider: float, centred: bool) -> None:
    found = pooled(wider, centred)
    assert found.overall * wider**2 == pytest.approx(1, abs=0.12)
    np.testing.assert_allclose(found.ratio * wider**2, 1, atol=0.2)
    assert 0.01 < found.overall_uncertainty < 0.2


def test_the_uncertainty_is_that_of_repeated_trials() -> None:
    found = [Correction.of(discrepancy(seed)) for seed in range(100)]
    spread = np.std([one.overall for one in found], ddof=1)
    told = np.mean([one.overall_uncertainty * one.overall for one in found])
    assert told == pytest.approx(spread, rel=0.5)


def test_an_audit_that_forgets_noise_is_wrong() -> None:
    total = discrepancy(0)
    for seed in range(1, 60):
        total = total + discrepancy(seed)
    assert Correction.of(replace(total, noise=0 * total.noise)).overall > 1.2


def test_a_noise_level_that_may_be_wrong_makes_it_uncertain() -> None:
    total = discrepancy(0)
    assert Correction.of(total, 0.5).overall_uncertainty > 1.5 * Correction.of(total).overall_uncertainty


@given(seed=st.integers(0, 99), ratio=st.floats(0.1, 9))
def test_widening_scales_deviations_about_the_image(seed: int, ratio: float) -> None:
    one = np.array([ratio])
    correction = Correction(np.zeros(1), one, one, ratio, 0.1)
    samples, image = (draw(*shape, seed=seed).numpy().astype(np.complex64) for shape in ((3, *SHAPE), SHAPE))
    found = correction.widened(samples, image)
    np.testing.assert_allclose(found.mean(axis=0), image, atol=1e-5)
    np.testing.assert_allclose(found - image, math.sqrt(ratio) * (samples - samples.mean(axis=0)), atol=1e-5)


@given(seed=st.integers(0, 99))
def test_widening_by_bands_acts_on_each_frequency_by_itself(seed: int) -> None:
    radius = np.array([0.1, 0.3, 0.5])
    correction = Correction(radius, np.array([1.0, 4.0, 9.0]), radius, 4.0, 0.1)
    samples = draw(3, *SHAPE, seed=seed).numpy().astype(np.complex64)

    def power(images: np.ndarray) -> np.ndarray:
        kspace = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(images, (-2, -1))), (-2, -1))
        return (np.abs(kspace - kspace.mean(axis=0)) ** 2).sum(axis=0)

    ratio = power(correction.widened(samples, samples.mean(axis=0))) / power(samples)
    y, x = np.meshgrid(np.arange(-(H // 2), H - H // 2) / H, np.arange(-(W // 2), W - W // 2) / W, indexing="ij")
    np.testing.assert_allclose(ratio, np.interp(np.hypot(y, x), radius, [1, 4, 9]), rtol=1e-3)


@given(seed=st.integers(0, 2**16), share=st.floats(0.1, 0.9))
def test_what_is_shown_and_what_is_hidden_are_the_measurement(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    held = torch.from_numpy(rng.random(SHAPE) < share)
    for A in (sense(MASK, MAPS), fourier(MASK), inpainting(MASK)):
        x = draw(*SHAPE, seed=seed)
        problem = Problem(A, A(x), NOISE)
        if not 0 < int((held & MASK).sum()) < int(MASK.sum()):
            continue
        parts = HeldBack.of(problem, held)
        for part, chosen in ((parts.shown, MASK & ~held), (parts.hidden, MASK & held)):
            torch.testing.assert_close(part.operator(x), part.y)
            assert places_of(part).index.shape == (int(chosen.sum()), 2)
            torch.testing.assert_close(part.y, (problem.operator.factors[0].H(problem.y))[..., chosen])


def test_lines_are_told_from_points() -> None:
    lines = np.zeros((H, 12), bool)
    lines[:, [0, 3, 4, 5, 6, 7, 8, 11]] = True
    held = held_out(lines, 0.3, 0)
    whole = Places(np.argwhere(held) - [H // 2, 6], held.shape, True)
    assert len(np.unique(whole.line)) == held[0].sum()
    held = held.copy()
    held[0] = False
    points = Places(np.argwhere(held) - [H // 2, 6], held.shape, True)
    assert len(np.unique(points.line)) == held.sum()


@pytest.mark.parametrize(("assumed", "expected"), [(NOISE, 1.0), (2 * NOISE, 0.25), (NOISE / 2, 4.0)])
def test_the_residual_of_the_truth_is_the_noise(assumed: float, expected: float) -> None:
    mask = torch.ones(64, 48, dtype=torch.bool)
    A = sense(mask, draw(2, 64, 48, seed=0))
    x = draw(64, 48, seed=1)
    found = Residual.of(Problem(A, A(x) + NOISE * math.sqrt(2) * draw(*A.codomain_shape, seed=2), assumed), x)
    assert found.ratio.shape == (2, 4)
    np.testing.assert_allclose(found.ratio, expected, rtol=0.15)
    assert found.overall == pytest.approx(expected, rel=0.05)


def test_a_coil_that_does_not_fit_is_seen() -> None:
    mask = torch.ones(64, 48, dtype=torch.bool)
    maps = draw(2, 64, 48, seed=0)
    A, x = sense(mask, maps), draw(64, 48, seed=1)
    y = A(x) + NOISE * math.sqrt(2) * draw(*A.codomain_shape, seed=2)
    y[1] *= 1.1
    ratio = Residual.of(Problem(A, y, NOISE), x).ratio.mean(axis=1)
    assert ratio[1] > 1.05 * ratio[0]


def test_what_can_not_be_audited() -> None:
    x = draw(*SHAPE, seed=0)
    with pytest.raises(InputError, match="choice of samples"):
        HeldBack.of(Problem(denoising(SHAPE), x, NOISE), HELD)
    problem = problem_of(x, 0)
    with pytest.raises(InputError, match="0 would be held back"):
        HeldBack.of(problem, torch.zeros(SHAPE, dtype=torch.bool))
    with pytest.raises(InputError, match="keep some of both"):
        HeldBack.of(problem, torch.ones(SHAPE, dtype=torch.bool))
    held = HeldBack.of(problem, HELD)
    with pytest.raises(InputError, match="draw two or more"):
        Discrepancy.of(held.hidden, x[None])
    unknown = Problem(held.hidden.operator, held.hidden.y)
    with pytest.raises(InputError, match="level is not known"):
        Discrepancy.of(unknown, torch.stack([x, x]))


# What it sees


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("nothing", "error bars are as wide"),
        ("noise twice", "the noise level is too high"),
        ("noise half", "maps, the noise level, or motion do not fit"),
        ("maps of another place", "maps, the noise level, or motion do not fit"),
    ],
)
def test_a_fault_is_said(fault: str, says: str) -> None:
    shape, noise_std = (48, 40), 0.05
    maps = torch.from_numpy(birdcage_maps(6, shape))
    mask = torch.from_numpy(equispaced(shape, 2, 8))
    x, A = (0.2 * math.sqrt(2) * draw(*shape, seed=0)).to(torch.complex64), sense(mask, maps)
    y = A(x) + noise_std * math.sqrt(2) * draw(*A.codomain_shape, seed=1).to(torch.complex64)
    seen_by = sense(mask, torch.roll(maps, (1, 6, 6), (0, 1, 2))) if fault.startswith("maps") else A
    told = {"noise twice": 2 * noise_std, "noise half": noise_std / 2}.get(fault, noise_std)
    prior = GaussianPrior(torch.zeros(1, *shape), 0.04 * torch.ones(1, *shape))
    found = audit(Problem(seen_by, y, told, scale=1.0), calibrated(steps=30), prior, samples=4)
    assert any(says in sentence for sentence in found.verdict), found.verdict
    if fault == "nothing":
        assert len(found.verdict) == 1
        assert found.correction.overall**0.5 == pytest.approx(1, abs=0.15)
