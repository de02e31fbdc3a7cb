"""Readouts at any heights are a stack of planes or refused, and no number on the way is none."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import radial
from invdiff.data.stack_of_planes import unstacked
from invdiff.errors import InputError

SPOKES, SAMPLES = 6, 8
FLAT = radial(SPOKES, SAMPLES).points
KSPACE = np.ones((2, SPOKES, SAMPLES), np.complex64)


def points_at(heights: np.ndarray) -> np.ndarray:
    return np.concatenate([FLAT, np.broadcast_to(heights, (SPOKES, SAMPLES))[..., None]], axis=-1)


@pytest.mark.parametrize("height", [0.3, -1e-5, 2e5])
def test_one_plane_beside_the_centre_is_no_stack(height: float) -> None:
    with np.errstate(all="raise"), pytest.raises(InputError, match=r"planes at 1 height.*some are missing"):
        unstacked(KSPACE, points_at(np.array(height)), "traj")


@pytest.mark.parametrize(
    "heights",
    [
        lambda along: along,
        lambda along: (-1.0) ** np.arange(SPOKES)[:, None] * along,
    ],
)
def test_readouts_through_the_centre_are_no_stack(heights: Callable[[np.ndarray], np.ndarray]) -> None:
    with np.errstate(all="raise"), pytest.raises(InputError, match="no stack of planes"):
        unstacked(KSPACE, points_at(heights(np.linspace(-0.3, 0.3, SAMPLES))), "traj")


def test_a_koosh_ball_is_no_stack() -> None:
    """Its readouts have mean heights that differ by rounding alone."""
    directions = np.random.default_rng(0).standard_normal((200, 1, 3))
    points = directions / np.linalg.norm(directions, axis=-1, keepdims=True) * np.linspace(-0.5, 0.5, 40)[:, None]
    with np.errstate(all="raise"), pytest.raises(InputError, match="no stack of planes"):
        unstacked(np.ones((2, 200, 40), np.complex64), points, "traj")


@settings(max_examples=50)
@given(
    st.lists(st.floats(-1, 1).map(lambda x: round(x, 2)), min_size=SPOKES, max_size=SPOKES).filter(any),
    st.sampled_from([1e-5, 1.0, 1e6]),
)
def test_any_heights_are_a_stack_or_refused(heights: list[float], unit: float) -> None:
    with np.errstate(all="raise"):
        try:
            found = unstacked(KSPACE, points_at(unit * np.array(heights)[:, None]), "traj")
        except InputError:
            return
    assert np.isfinite(found.kspace).all()
    assert found.apart > 0
