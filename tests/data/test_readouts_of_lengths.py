"""Readouts of several lengths: what was sampled is taken, from files to problems, and nothing of what was not."""

from dataclasses import replace
from pathlib import Path

import ismrmrd
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import (
    Trajectory,
    open_scan,
    radial,
    shepp_logan,
    simulate_along,
    spiral,
    write_scan,
)
from invdiff.data.held_out import held_readouts
from invdiff.errors import InputError
from invdiff.reconstruction import scan_cases
from invdiff.reconstruction.audit import HeldCases
from tests.data.along_trajectory import header, opened

SHAPE, COILS = (40, 36), 4
SPIRAL = spiral(9, 40).points
READOUTS, SAMPLES = SPIRAL.shape[:2]
ENDS = SAMPLES - 7 * np.arange(READOUTS) % 5
MEASURED = np.arange(SAMPLES) < ENDS[:, None]
POINTS = np.where(MEASURED[..., None], SPIRAL, 0)
IMAGE = np.stack([shepp_logan(SHAPE), shepp_logan(SHAPE)[::-1]])
SCAN = simulate_along(IMAGE, Trajectory(POINTS, MEASURED), coils=COILS, noise_std=0.005)


def raw(path: Path, ends: np.ndarray = ENDS, before: int = 2, behind: int = 3) -> None:
    """Some samples before and behind those that count, which mean nothing."""
    with ismrmrd.Dataset(str(path), create_if_needed=True) as dataset:
        dataset.write_xml_header(header(SHAPE, (80, 72, 5), "spiral"))
        for index, readout in np.ndindex(len(IMAGE), READOUTS):
            end = ends[readout]
            samples = np.pad(SCAN.kspace[index, :, readout, :end], ((0, 0), (before, behind)), constant_values=1e3)
            places = np.pad(SPIRAL[readout, :end], ((before, behind), (0, 0)), constant_values=0.4)
            made = ismrmrd.Acquisition.from_array(samples, places.astype(np.float32))
            made.discard_pre, made.discard_post = before, behind
            made.idx.slice, made.idx.kspace_encode_step_1 = index, readout
            dataset.append_acquisition(made)


@pytest.mark.parametrize("name", ["ISMRMRD", "as this package writes it", "npz"])
def test_every_format_holds_the_same_samples(name: str, tmp_path: Path) -> None:
    path = tmp_path / ("scan.npz" if name == "npz" else "scan.h5")
    if name == "ISMRMRD":
        raw(path)
    elif name == "npz":
        np.savez(path, ksp=SCAN.kspace, traj=POINTS, matrix=np.array(SHAPE), mask=MEASURED)
    else:
        write_scan(SCAN, path)
    scan = opened(path)
    np.testing.assert_array_equal(scan.kspace, SCAN.kspace)
    np.testing.assert_array_equal(scan.trajectory.where, MEASURED)
    np.testing.assert_allclose(scan.trajectory.places(), SPIRAL[MEASURED], atol=1e-7)


@pytest.mark.parametrize("turned", [False, True])
def test_as_many_readouts_as_samples_lie_as_their_points_and_mask_do(turned: bool, tmp_path: Path) -> None:
    points, number = radial(36, 36).points, np.arange(36)
    measured = number < 36 - number[:, None] % 5
    trajectory = Trajectory(np.where(measured[..., None], points, 0), measured)
    square = simulate_along(IMAGE, trajectory, coils=COILS)
    kspace, along, mask = square.kspace, trajectory.points, measured
    if turned:
        kspace, along, mask = kspace.swapaxes(-2, -1), along.swapaxes(0, 1), mask.T
    np.savez(tmp_path / "scan.npz", ksp=kspace, traj=along, matrix=np.array(SHAPE), mask=mask)
    scan = opened(tmp_path / "scan.npz")
    np.testing.assert_array_equal(scan.trajectory.where, measured)
    np.testing.assert_array_equal(scan.trajectory.points, trajectory.points)
    np.testing.assert_array_equal(scan.kspace, square.kspace)


def test_readouts_of_one_length_have_no_mask(tmp_path: Path) -> None:
    raw(tmp_path / "scan.h5", np.full(READOUTS, SAMPLES))
    assert opened(tmp_path / "scan.h5").trajectory.measured is None


def test_only_what_was_sampled_is_a_part_of_the_problem() -> None:
    cases = scan_cases(SCAN, "non-cartesian")
    for number in range(len(IMAGE)):
        problem = cases.problem(number)
        assert problem.y.shape == (COILS, MEASURED.sum())
        left = problem.y - problem.operator(torch.from_numpy(SCAN.ground_truth[number]))
        assert float(left.abs().square().mean()) == pytest.approx(2 * 0.005**2, rel=0.1)
    shown = cases.zero_filled_of(0)
    other = replace(SCAN, kspace=np.where(MEASURED, SCAN.kspace, 100))
    np.testing.assert_allclose(scan_cases(other, "non-cartesian").zero_filled_of(0), shown, rtol=1e-4)


def test_noise_is_that_of_what_was_sampled() -> None:
    assert SCAN.own_noise().std == pytest.approx(0.005, rel=0.2)


@given(ends=st.lists(st.integers(1, 24), min_size=8, max_size=20), seed=st.integers(0, 9))
def test_what_is_held_back_was_sampled(ends: list[int], seed: int) -> None:
    points = spiral(len(ends), 24).points
    points = points[:, np.linspace(0, points.shape[1] - 1, 24).astype(int)]
    measured = np.arange(24) < np.array(ends)[:, None]
    trajectory = Trajectory(points, measured)
    reach = (np.abs(points * 24) > 2).any(axis=-1) & measured
    if reach.any(axis=1).sum() < 6:
        return
    held = held_readouts(trajectory, (24, 24), 4, 0.3, seed, least=3)
    whole = np.zeros(measured.shape, bool)
    whole[measured] = held
    np.testing.assert_array_equal(whole, reach & whole.any(axis=1, keepdims=True))
    assert whole.any(axis=1).sum() >= 3


@given(spokes=st.integers(8, 30), seed=st.integers(0, 9))
def test_shorter_readouts_are_held_back_by_the_directions_that_they_end_in(spokes: int, seed: int) -> None:
    points = radial(spokes, 32).points
    measured = np.arange(32) < 32 - np.arange(spokes)[:, None] % 4
    shorter = Trajectory(np.where(measured[..., None], points, 0), measured)
    chosen = []
    for trajectory in (Trajectory(points), shorter):
        held = np.zeros((spokes, 32), bool)
        held[trajectory.where] = held_readouts(trajectory, (24, 24), 8, 0.3, seed, least=3)
        chosen.append(held.any(axis=1))
    np.testing.assert_array_equal(*chosen)


def test_a_part_is_judged_by_the_other() -> None:
    parts = HeldCases.of(scan_cases(SCAN, "non-cartesian"), 0.4, 0).parts(0)
    left = parts.hidden.y - parts.hidden.operator(torch.from_numpy(SCAN.ground_truth[0]))
    assert float(left.abs().square().mean()) == pytest.approx(2 * 0.005**2, rel=0.1)


@pytest.mark.parametrize(
    "measured", [np.ones((3, 4), bool), np.zeros((READOUTS, SAMPLES), bool), np.ones((READOUTS, SAMPLES))]
)
def test_masks_of_none_are_refused(measured: np.ndarray) -> None:
    with pytest.raises(InputError, match="What was sampled of a trajectory"):
        Trajectory(SPIRAL, measured)


def test_lengths_too_unlike_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invdiff.data.formats.trajectory_acquisitions._ALWAYS", READOUTS * SAMPLES)  # of one coil
    raw(tmp_path / "fair.h5")
    opened(tmp_path / "fair.h5")
    raw(tmp_path / "scan.h5", np.where(np.arange(READOUTS) == 3, SAMPLES, 2))
    with pytest.raises(InputError, match=f"readouts of 2 to {SAMPLES} samples, which are too unlike"):
        open_scan(tmp_path / "scan.h5")
