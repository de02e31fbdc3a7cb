"""Classical methods minimise what they say, on a grid and along trajectories, whatever the units."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sigpy.linop import FiniteDifference, Wavelet
from torch import Tensor

from invdiff.classical import best_by_truth, cg_sense, l1_wavelet, of_every_slice, rivals, total_variation
from invdiff.classical.baselines import SPARSE_WEIGHTS
from invdiff.data import (
    NonCartesianScan,
    Scan,
    Trajectory,
    birdcage_maps,
    radial,
    shepp_logan,
    simulate,
    simulate_along,
    spiral,
    to_kspace,
)
from invdiff.data.masks import random_lines
from invdiff.data.scan import CoilData
from invdiff.errors import InputError
from invdiff.metrics import psnr
from invdiff.problem import Problem
from invdiff.reconstruction import ScanCases, scan_cases

SHAPE = (32, 32)
PENALISED = [cg_sense, l1_wavelet, total_variation]
MASK = random_lines(SHAPE, 2, 0.2)
SCANS = {
    "on a grid": simulate(shepp_logan(SHAPE), coils=4, mask=MASK, noise_std=0.01),
    "radial": simulate_along(shepp_logan(SHAPE), radial(12, 64), coils=4, noise_std=0.01),
    "spiral": simulate_along(shepp_logan(SHAPE), spiral(2, 32, 3, 0.3), coils=4, noise_std=0.01),
}


def cases_of(scan: CoilData) -> ScanCases:
    return scan_cases(scan, "non-cartesian" if isinstance(scan, NonCartesianScan) else "sense")


CASES = {name: cases_of(scan) for name, scan in SCANS.items()}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("method", PENALISED)
def test_better_than_zero_filled_and_free_of_units(method: Callable[..., Tensor], name: str) -> None:
    cases, problem = CASES[name], CASES[name].problem(0)
    image = method(problem, 1e-3)
    assert (image.dtype, image.shape) == (torch.complex64, SHAPE)
    assert psnr(cases.ground_truth[0], image.numpy()) > psnr(cases.ground_truth[0], cases.zero_filled_of(0)) + 1
    other = replace(problem, operator=3.0 * problem.operator, y=1e-6 * problem.y)
    torch.testing.assert_close(3e6 * method(other, 1e-3), image, atol=2e-3, rtol=0)
    assert torch.equal(method(problem, 1e-3), image)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(PENALISED), st.floats(1e-4, 1e-2), st.integers(0, 9))
def test_on_the_grid_a_trajectory_is_the_scan(method: Callable[..., Tensor], weight: float, seed: int) -> None:
    shape, random = (12, 10), np.random.default_rng(seed)
    image = (random.standard_normal(shape) + 1j).astype(np.complex64)
    along = [(np.arange(n) - n // 2) / n for n in shape]
    grid = Trajectory(np.stack(np.meshgrid(*along, indexing="ij"), axis=-1))
    kept = Trajectory(grid.points[::2])
    mask = np.zeros(shape, bool)
    mask[::2] = True
    off = cases_of(simulate_along(image, kept, coils=3, seed=seed)).problem(0)
    on = cases_of(simulate(image, coils=3, mask=mask, seed=seed)).problem(0)
    torch.testing.assert_close(method(off, weight), method(on, weight), atol=2e-3, rtol=2e-3)


def test_cg_sense_solves_the_normal_equations() -> None:
    shape, weight = (6, 5), 0.1
    mask = random_lines(shape, 2)
    scan = simulate(shepp_logan(shape) + 1j, coils=3, mask=mask, noise_std=0.1)
    columns = [
        (to_kspace(birdcage_maps(3, shape) * unit.reshape(shape)) * mask).ravel()
        for unit in np.eye(30, dtype=np.complex64)
    ]
    matrix = np.stack(columns, axis=1)
    expected = np.linalg.solve(matrix.conj().T @ matrix + weight * np.eye(30), matrix.conj().T @ scan.kspace.ravel())
    np.testing.assert_allclose(cg_sense(cases_of(scan).problem(0), weight).numpy().ravel(), expected, atol=1e-4)


def objective(problem: Problem, x: Tensor, weight: float, analysis: Any) -> float:
    """Of the penalty on the coefficients, in the units that weights are free of."""
    A = problem.operator
    norm = A.norm_bound()
    unit = float(problem.zero_filled.abs().max()) / norm**2
    left = float((A(x) - problem.y).abs().square().sum()) / (norm * unit) ** 2
    return left / 2 + weight * A.evenness() ** 2 * float(np.abs(analysis((x / unit).numpy())).sum())


@pytest.mark.parametrize("name", ["on a grid", "radial"])
@pytest.mark.parametrize(
    ("method", "analysis"),
    [(l1_wavelet, Wavelet(SHAPE, wave_name="db4")), (total_variation, FiniteDifference(SHAPE))],
)
def test_sparse_methods_have_converged(method: Callable[..., Tensor], analysis: Any, name: str) -> None:
    """As many iterations as there are by default come to what many more do, and few do not."""
    problem, weight = CASES[name].problem(0), SPARSE_WEIGHTS[2]
    few, usual, many = (
        objective(problem, method(problem, weight, **options), weight, analysis)
        for options in ({"iterations": 3}, {}, {"iterations": 250})
    )
    assert usual < 1.02 * many < 1.02**2 * usual
    assert few > 1.02 * usual


def test_total_variation_is_the_least_of_its_objective() -> None:
    """By a solver that knows nothing of splitting: steps along gradients, with corners rounded a little."""
    problem, weight = CASES["radial"].problem(0), 3e-3
    found = total_variation(problem, weight)
    least = objective(problem, found, weight, FiniteDifference(SHAPE))
    A, norm = problem.operator, problem.operator.norm_bound()
    unit = float(problem.zero_filled.abs().max()) / norm**2
    x = (cg_sense(problem, 1e-2) / unit).requires_grad_()
    optimiser = torch.optim.LBFGS([x], max_iter=100, history_size=20, line_search_fn="strong_wolfe")

    def smooth() -> Tensor:
        optimiser.zero_grad()
        data = (A(x) - problem.y / unit).abs().square().sum() / (2 * norm**2)
        changes = torch.stack([x - x.roll(1, axis) for axis in (-2, -1)])
        value = data + weight * A.evenness() ** 2 * (changes.abs().square() + 1e-8).sqrt().sum()
        value.backward()
        return value

    optimiser.step(smooth)
    other = objective(problem, x.detach() * unit, weight, FiniteDifference(SHAPE))
    assert least == pytest.approx(other, rel=0.02)


@pytest.mark.parametrize("method", [l1_wavelet, total_variation])
def test_larger_penalties_shrink_more(method: Callable[..., Tensor]) -> None:
    weak, strong = (method(CASES["on a grid"].problem(0), weight).norm() for weight in (1e-4, 1.0))
    assert strong < 0.8 * weak


@pytest.mark.parametrize("name", SCANS)
def test_images_are_zero_where_maps_are_and_in_empty_slices(name: str) -> None:
    scan = SCANS[name]
    maps, kspace = (np.concatenate([stack, stack]) for stack in (scan.maps, scan.kspace))
    maps[:, :, :8], kspace[0] = 0, 0
    cases = cases_of(replace(scan, kspace=kspace, maps=maps, ground_truth=None))
    for method in PENALISED:
        images = of_every_slice(method, cases)(1e-3)
        assert images.shape == (2, *SHAPE)
        assert not images[0].any()
        assert not images[1, :8].any()
        assert images[1, 8:].any()


def test_best_by_truth_tries_every_weight() -> None:
    cases, weights = CASES["on a grid"], [1e-4, 1e-2, 10.0]
    images = of_every_slice(cg_sense, cases)
    best = best_by_truth(images, weights, cases.ground_truth)
    scores = {weight: psnr(cases.ground_truth, images(weight)) for weight in weights}
    assert best.psnr == max(scores.values())
    assert scores[best.weight] == best.psnr
    np.testing.assert_array_equal(best.image, images(best.weight))


@pytest.mark.parametrize("name", CASES)
def test_rivals_know_the_truth_of_any_scan(name: str) -> None:
    cases = CASES[name]
    found = rivals(cases)
    assert list(found) == ["CG-SENSE", "L1-wavelet", "TV"]
    begun = psnr(cases.ground_truth, cases.zero_filled)
    assert all(best.psnr > begun + 1 for best in found.values())
    assert rivals(cases_of(replace(SCANS[name], ground_truth=None))) == {}


def test_refusals() -> None:
    problem = CASES["on a grid"].problem(0)
    for method in PENALISED:
        for weight in (0.0, -1.0, float("nan")):
            with pytest.raises(InputError, match="positive number"):
                method(problem, weight)
    with pytest.raises(InputError, match="no weights"):
        best_by_truth(lambda weight: np.zeros((1, *SHAPE), np.complex64), [], CASES["on a grid"].ground_truth)
    scan = SCANS["on a grid"]
    two = cases_of(replace(scan, maps=np.stack([scan.maps, scan.maps[..., ::-1]], axis=1), ground_truth=None))
    for method in PENALISED[1:]:
        with pytest.raises(InputError, match="one image"):
            method(two.problem(0))
    assert of_every_slice(cg_sense, two)(1e-2).shape == (1, *SHAPE)


def test_truth_is_recovered_from_full_sampling() -> None:
    full = simulate(shepp_logan(SHAPE), coils=4)
    assert isinstance(full, Scan)
    assert psnr(full.ground_truth[0], cg_sense(cases_of(full).problem(0), 1e-6).numpy()) > 80
