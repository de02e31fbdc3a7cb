"""Arrays that are points, and what is none: numbers of strangers may be of any size."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import open_scan, radial, shepp_logan, simulate_along
from invdiff.data.formats.samples_along import points_in
from invdiff.errors import InputError

SHAPE = (20, 16)
TRAJECTORY = radial(18, 40)
KSPACE = simulate_along(shepp_logan(SHAPE), TRAJECTORY, coils=3).kspace
FLAT = TRAJECTORY.points
LIFTED = np.concatenate([FLAT, FLAT[..., :1]], axis=-1)


@given(power=st.integers(-13, 14), first=st.booleans(), dimensions=st.sampled_from([2, 3]))
def test_coordinates_are_the_first_axis_or_the_last(power: int, first: bool, dimensions: int) -> None:
    points = LIFTED[..., :dimensions] * 10.0**power
    stored = np.moveaxis(points, -1, 0) if first else points
    np.testing.assert_array_equal(points_in(stored, "traj", first=first), points)
    np.testing.assert_array_equal(points_in(FLAT[..., 0] + 1j * FLAT[..., 1], "traj", first=first), FLAT)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e20, 1e160, 1e300])
@pytest.mark.parametrize("points", [FLAT, LIFTED, LIFTED * [1e-9, 1e-9, 1]], ids=["two", "three", "high"])
def test_what_nobody_can_compute_with_is_refused(points: np.ndarray, scale: float, tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", ksp=KSPACE, traj=points * scale, matrix=np.array(SHAPE))
    with pytest.raises(InputError, match=r"traj reaches \S+, which is in no unit"):
        open_scan(tmp_path / "scan.npz")


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_what_may_be_points_is_none_then(scale: float, tmp_path: Path) -> None:
    np.savez(tmp_path / "points.npz", ksp=KSPACE, k=FLAT * scale)
    np.savez(tmp_path / "none.npz", ksp=KSPACE)
    said = []
    for name in ("points.npz", "none.npz"):
        try:
            said.append(open_scan(tmp_path / name).kspace.shape)
        except InputError as error:
            said.append(str(error).replace(name, ""))
    assert said[0] == said[1]
