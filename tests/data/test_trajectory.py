"""Trajectories: where radial and spiral scans sample, what they fill, and late gradients."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import Trajectory, radial, spiral
from invdiff.errors import InputError


@given(spokes=st.integers(1, 40), samples=st.integers(2, 60))
def test_spokes_pass_the_centre_straight_and_even(spokes: int, samples: int) -> None:
    points = radial(spokes, samples).points
    assert points.shape == (spokes, samples, 2)
    np.testing.assert_allclose(points[:, samples // 2], 0, atol=1e-15)
    np.testing.assert_allclose(np.diff(points, 2, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(np.diff(points, axis=1), axis=-1), 1 / samples, rtol=1e-9)
    directions = np.exp(1j * np.pi * (np.sqrt(5) - 1) / 2 * np.arange(spokes))  # of the golden angle
    np.testing.assert_allclose(points[:, -1, 0] + 1j * points[:, -1, 1], abs(points[0, -1, 0]) * directions, atol=1e-12)


@given(interleaves=st.integers(1, 24), side=st.integers(24, 48), centre=st.floats(0, 1))
def test_spirals_run_from_the_centre_to_the_edge_evenly(interleaves: int, side: int, centre: float) -> None:
    trajectory = spiral(interleaves, side, 4, centre)
    np.testing.assert_allclose(trajectory.radius[:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(trajectory.radius[:, -1], 0.5, rtol=1e-9)
    assert (np.diff(trajectory.radius, axis=1) > 0).all()
    steps = np.linalg.norm(np.diff(trajectory.points, axis=1), axis=-1)
    assert steps.max() < 1.01 * np.median(steps)
    assert np.median(steps) == pytest.approx(1 / (2 * side), rel=0.1)
    first = trajectory.points[0] @ [1, 1j]
    turned = trajectory.points @ np.array([1, 1j])
    np.testing.assert_allclose(turned, first * np.exp(2j * np.pi * np.arange(interleaves) / interleaves)[:, None])


@pytest.mark.parametrize("interleaves", [1, 7, 16])
def test_turns_of_a_spiral_are_as_far_apart_as_it_says(interleaves: int) -> None:
    full, variable = spiral(interleaves, 64), spiral(interleaves, 64, 3, 0.25)
    assert full.filled_side((64, 64), 64) >= 40  # the square in the circle
    assert 14 <= variable.filled_side((64, 64), 64) < 32
    turns = np.unwrap(np.angle(full.points[0] @ [1, 1j]))[-1] / (2 * np.pi)
    assert turns == pytest.approx(64 / 2 / interleaves, rel=0.05)


def test_more_spokes_fill_more() -> None:
    sides = [radial(spokes, 256).filled_side((128, 128), 64) for spokes in (8, 14, 34, 80)]
    assert sides == sorted(sides)
    assert sides[0] < 8 <= sides[1]
    for spokes, side in zip((14, 34, 80), sides[1:], strict=True):  # at the corners, gaps are about one position
        assert 0.6 < side * np.pi / (np.sqrt(2) * spokes) < 1.4


@given(shape=st.tuples(st.integers(2, 20), st.integers(2, 20)))
def test_every_position_of_a_grid_is_a_cell_and_filled(shape: tuple[int, int]) -> None:
    along = [(np.arange(n) - n // 2) / n for n in shape]
    grid = Trajectory(np.stack(np.meshgrid(*along, indexing="ij"), axis=-1))
    assert grid.cells(shape).all()
    assert grid.filled_side(shape, 64) == min(shape)
    few = Trajectory(grid.points[::2])
    assert few.cells(shape).mean() == pytest.approx(len(grid.points[::2]) / shape[0])


@given(delay=st.floats(-3, 3))
def test_late_gradients_shift_spokes_along_themselves(delay: float) -> None:
    spokes = radial(5, 32)
    moved = spokes.delayed(delay).points
    inner = slice(4, -4)
    expected = spokes.points - delay * np.diff(spokes.points[:, :2], axis=1)
    np.testing.assert_allclose(moved[:, inner], expected[:, inner], atol=1e-12)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (np.zeros((4, 2)), r"\(readouts, samples, 2\)"),
        (np.zeros((4, 5, 3)), r"\(readouts, samples, 2\)"),
        (np.full((2, 2, 2), np.nan), "NaN"),
        (np.full((2, 2, 2), 0.6), "outside the grid"),
        (np.full((2, 2, 2), np.pi), r"radians by 2 pi"),
        (np.zeros((2, 2, 2), complex), "real points"),
    ],
)
def test_what_is_no_trajectory_is_refused(points: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Trajectory(points)


@pytest.mark.parametrize(
    ("make", "numbers"), [(radial, (0, 8)), (radial, (3, 1)), (spiral, (0, 8)), (spiral, (1, 8, 0.5))]
)
def test_scans_of_nothing_are_refused(make: Any, numbers: Any) -> None:
    with pytest.raises(InputError, match="not"):
        make(*numbers)
