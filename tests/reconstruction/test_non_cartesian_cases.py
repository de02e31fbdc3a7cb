"""Scans along a trajectory as problems: on the grid they are SENSE's, and what makes no sense of them is refused."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import (
    Condition,
    NonCartesianScan,
    Trajectory,
    radial,
    shepp_logan,
    simulate,
    simulate_along,
    write_scan,
)
from invdiff.data.held_out import held_readouts
from invdiff.errors import InputError
from invdiff.metrics import psnr
from invdiff.operators import Identity
from invdiff.reconstruction import find_inputs, find_kind, scan_cases
from invdiff.reconstruction.audit import HeldBack, HeldCases, places_of

SHAPE = (48, 40)
IMAGE = shepp_logan(SHAPE)


def grid(shape: tuple[int, int]) -> Trajectory:
    along = [(np.arange(n) - n // 2) / n for n in shape]
    return Trajectory(np.stack(np.meshgrid(*along, indexing="ij"), axis=-1))


SCAN = simulate_along(IMAGE, radial(30, 96), coils=6, noise_std=0.005)


def test_on_the_grid_it_is_the_problem_of_sense() -> None:
    along = scan_cases(simulate_along(IMAGE, grid(SHAPE), coils=4), "non-cartesian").problem(0)
    sense = scan_cases(simulate(IMAGE, coils=4), "sense").problem(0)
    torch.testing.assert_close(along.y, sense.y.reshape(4, -1), atol=1e-4, rtol=1e-4)
    x = torch.randn(SHAPE, dtype=torch.complex64)
    torch.testing.assert_close(along.operator(x), sense.operator(x), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(along.operator.gram(x), sense.operator.gram(x), atol=1e-4, rtol=1e-4)


def test_least_squares_finds_the_image() -> None:
    cases = scan_cases(SCAN, "non-cartesian")
    problem = cases.problem(0)
    normal = 1e-3 * Identity(SHAPE) + problem.operator.gram
    found = normal.solve(problem.operator.H(problem.y), tol=1e-4, max_iter=100).numpy()
    truth = SCAN.ground_truth[0]
    assert psnr(truth, found) > 24
    assert psnr(truth, found) > psnr(truth, cases.zero_filled_of(0)) > 15
    assert psnr(truth, found[::-1]) < 20  # turned over


def test_maps_and_noise_are_estimated() -> None:
    bare = replace(SCAN, maps=None, noise_std=None)
    cases = scan_cases(bare, "non-cartesian")
    assert cases.preparation is not None
    assert cases.preparation.noise_std == pytest.approx(0.005, rel=0.2)
    prepared = cases.prepared(0).maps[0]
    like = scan_cases(replace(SCAN, maps=None), "non-cartesian").prepared(0).maps[0]  # coils as they are
    inside = np.abs(SCAN.ground_truth[0]) > 0.1
    overlap = np.abs((like.conj() * SCAN.maps[0]).sum(axis=0))[inside]
    assert np.median(overlap) > 0.98
    assert prepared.shape == like.shape
    assert cases.problem(0).noise_std == cases.noise_std


def test_given_maps_of_another_place_are_told() -> None:
    right = scan_cases(SCAN, "non-cartesian").preparation
    wrong = scan_cases(replace(SCAN, maps=SCAN.maps[:, ::-1].copy()), "non-cartesian").preparation
    assert right is not None
    assert wrong is not None
    assert not right.warnings
    assert "unexplained" in " ".join(wrong.warnings)


def test_slices_are_prepared_alike() -> None:
    many = simulate_along(np.stack([IMAGE * (1 + k) for k in range(10)]), radial(24, 64), coils=4, noise_std=0.01)
    cases = scan_cases(replace(many, maps=None), "non-cartesian")
    assert len(cases.learnt_from) == 8
    left = next(number for number in range(10) if number not in cases.learnt_from)
    assert cases.prepared(left).maps.shape == (1, 4, *SHAPE)
    assert len({cases.fingerprint(number) for number in range(10)}) == 10
    pickle.loads(pickle.dumps(cases)).problem(left)


def test_the_file_tells_the_kind(tmp_path: Path) -> None:
    write_scan(SCAN, tmp_path / "scan.h5")
    for operator in ("sense", "non-cartesian"):
        (one,) = find_inputs([tmp_path / "scan.h5"], find_kind(operator))
        assert one.read().cases().operator == "non-cartesian"


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    write_scan(SCAN, tmp_path / "scan.h5")

    (one,) = find_inputs([tmp_path / "scan.h5"], find_kind("sense"), condition=Condition("random"))
    with pytest.raises(InputError, match="leave out --mask and --undersample"):
        one.read().cases()
    with pytest.raises(InputError, match="use --operator non-cartesian"):
        scan_cases(SCAN, "sense")
    with pytest.raises(InputError, match="on a grid"):
        scan_cases(simulate(IMAGE), "non-cartesian")
    with pytest.raises(InputError, match="14 spokes"):
        scan_cases(replace(simulate_along(IMAGE, radial(6, 96), noise_std=0.01), maps=None), "non-cartesian")


@settings(max_examples=20)
@given(spokes=st.integers(6, 60), fraction=st.floats(0.01, 0.5), seed=st.integers(0, 99), side=st.integers(0, 16))
def test_held_readouts_are_whole_outside_the_centre(spokes: int, fraction: float, seed: int, side: int) -> None:
    trajectory = radial(spokes, 32)
    held = held_readouts(trajectory, (24, 24), side, fraction, seed, least=3).reshape(spokes, 32)
    outside = (np.abs(trajectory.points * 24) > side / 2).any(axis=-1)
    assert 3 <= held.any(axis=1).sum() == max(round(fraction * spokes), 3) < spokes
    np.testing.assert_array_equal(held, outside & held.any(axis=1, keepdims=True))


def test_readouts_are_held_back_and_predicted() -> None:
    cases = scan_cases(SCAN, "non-cartesian")
    parts = HeldCases.of(cases, 0.1, 0).parts(0)
    whole = cases.problem(0)
    assert parts.shown.y.shape[1] + parts.hidden.y.shape[1] == whole.y.shape[1]
    truth = torch.from_numpy(SCAN.ground_truth[0])
    for part in (parts.shown, parts.hidden):
        left = (part.y - part.operator(truth)).abs().square().mean() / (2 * 0.005**2)
        assert float(left) == pytest.approx(1, abs=0.1)
    places = places_of(parts.hidden)
    assert len(np.unique(places.line)) >= 3
    assert len(places.bands) == 4
    assert places.radius.min() > cases.scan.filled.sum() ** 0.5 / 2 / max(SHAPE) * 0.99
    x = torch.randn(SHAPE, dtype=torch.complex64)
    torch.testing.assert_close(
        parts.shown.operator.gram(x) + parts.hidden.operator.gram(x), whole.operator.gram(x), atol=1e-3, rtol=1e-3
    )
    with pytest.raises(InputError, match="keep some of both"):
        HeldBack.of(whole, torch.zeros(whole.y.shape[1], dtype=torch.bool))


def test_too_few_readouts_are_no_audit() -> None:
    few = simulate_along(IMAGE, radial(4, 96), noise_std=0.01)
    assert isinstance(few, NonCartesianScan)
    with pytest.raises(InputError, match="too few to hold"):
        HeldCases.of(scan_cases(few, "non-cartesian"), 0.1, 0)
