"""Units of trajectories: told back whatever they are, and refused where the numbers tell nothing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import radial
from invdiff.data import trajectory_units as module
from invdiff.data.trajectory_units import told_points
from invdiff.errors import InputError

POINTS = radial(12, 64).points
SIDES = st.integers(40, 300)  # 0.4 m at most: of half a metre on, units of the grid come near to cycles per metre
UNITS = ("cycles per pixel", "radians per pixel", "grid", "cycles per metre", "radians per metre")


def scaled(unit: str, matrix: tuple[int, int], voxel: tuple[float, float]) -> np.ndarray:
    metres = 1e3 / np.array(voxel)
    factors = dict(zip(UNITS, (1, 2 * np.pi, np.array(matrix), metres, 2 * np.pi * metres), strict=True))
    return POINTS * factors[unit]


@given(unit=st.sampled_from(UNITS), matrix=st.tuples(SIDES, SIDES), voxel=st.sampled_from([(1.3, 1.3), (0.7, 0.8)]))
def test_units_are_told_back(unit: str, matrix: tuple[int, int], voxel: tuple[float, float]) -> None:
    points = scaled(unit, matrix, voxel)
    found, told, remarks = told_points(points, [matrix], voxel, "traj")
    np.testing.assert_allclose(found, POINTS, atol=1e-12)
    assert told == matrix
    assert bool(remarks) == (unit != "cycles per pixel")


@given(matrix=st.tuples(st.integers(8, 200).map(lambda n: 2 * n), st.integers(8, 200).map(lambda n: 2 * n)))
def test_units_of_the_grid_tell_the_matrix(matrix: tuple[int, int]) -> None:
    points, told, remarks = told_points(POINTS * matrix, [], None, "traj")
    assert told == matrix
    np.testing.assert_allclose(points, POINTS, atol=1e-12)
    assert "units of the grid" in remarks[0]


def test_low_resolution_in_cycles_per_pixel_is_taken_as_such() -> None:
    points, _, _ = told_points(POINTS / 5, [(64, 64)], None, "traj")
    np.testing.assert_array_equal(points, POINTS / 5)


@pytest.mark.parametrize(
    ("points", "grids", "said"),
    [
        (POINTS * 20, [(64, 64)], "fits no unit"),
        (POINTS * 2, [(64, 64)], "fits no unit"),
        (POINTS, [], "store that in the file, as 'matrix'"),
        (POINTS * 6, [(6, 6)], "as well as"),
    ],
)
def test_what_tells_nothing_is_refused(points: np.ndarray, grids: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        told_points(points, grids, None, "traj")


def test_a_unit_that_fits_everything_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REACHES", (0.0, 1e9))
    with pytest.raises(InputError, match="as well as"):
        told_points(POINTS, [(64, 64)], None, "traj")
