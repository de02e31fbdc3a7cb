"""Zeros that are a pattern were not sampled; single ones are values."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from invdiff.data import MASKS
from invdiff.data.zeros import measured_of, sampled_of

Mask = np.ndarray
seeds = st.integers(0, 2**32 - 1)
sides = st.tuples(st.integers(24, 72), st.integers(24, 72))


def some_zeros(shape: tuple[int, int], part: float, seed: int) -> Mask:
    """True but at single points."""
    return np.random.default_rng(seed).random(shape) >= part


def lines(shape: tuple[int, int], seed: int) -> Mask:
    """Some lines along axis -2, the first and the central ones among them, or all of some rows of these."""
    rng = np.random.default_rng(seed)
    kept = rng.random(shape[1]) < rng.uniform(0.3, 0.9)
    kept[[0, -1]] = kept[shape[1] // 2 - 4 : shape[1] // 2 + 4] = True
    rows = np.arange(shape[0]) >= rng.integers(0, shape[0] // 3)  # a partial echo
    return np.outer(rows, kept)


def ellipse(shape: tuple[int, int], seed: int) -> Mask:
    """All but the corners of k-space."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return y**2 + x**2 <= np.random.default_rng(seed).uniform(0.95, 1.3)


def check_values(decide: Callable[[Mask], Mask], shape: tuple[int, int], part: float, seed: int) -> None:
    assert decide(some_zeros(shape, part, seed)).all()


def check_lines(decide: Callable[[Mask], Mask], shape: tuple[int, int], part: float, seed: int) -> None:
    sampled = lines(shape, seed)
    np.testing.assert_array_equal(decide(sampled & some_zeros(shape, part, seed)), sampled)


@given(sides, st.floats(0, 0.05), seeds)
def test_single_zeros_are_values(shape: tuple[int, int], part: float, seed: int) -> None:
    check_values(sampled_of, shape, part, seed)


@given(sides, st.floats(0, 0.02), seeds)
def test_lines_are_found_among_single_zeros(shape: tuple[int, int], part: float, seed: int) -> None:
    check_lines(sampled_of, shape, part, seed)


@pytest.mark.parametrize("check", [check_values, check_lines])
def test_every_zero_taken_for_a_gap_is_found(check: Callable[..., None]) -> None:
    with pytest.raises(AssertionError):
        check(lambda nonzero: nonzero, (40, 40), 0.05, 1)


def test_no_zero_taken_for_a_gap_is_found() -> None:
    with pytest.raises(AssertionError):
        check_lines(np.ones_like, (40, 40), 0.02, 1)


@given(sides, seeds)
def test_corners_that_were_left_out_are_a_pattern(shape: tuple[int, int], seed: int) -> None:
    sampled = ellipse(shape, seed)
    wrong = sampled_of(sampled) & ~sampled
    assert np.count_nonzero(wrong) <= 8  # where the curve leaves too little room for a block


@given(sides, st.sampled_from(sorted(set(MASKS) - {"equispaced_jalal"})), st.floats(2, 6), st.integers(0, 99))
def test_masks_of_every_kind_are_found(shape: tuple[int, int], name: str, acceleration: float, seed: int) -> None:
    sampled = MASKS[name](shape, acceleration, 0.0, seed)
    np.testing.assert_array_equal(sampled_of(sampled), sampled)


@given(sides, seeds)
def test_what_was_decided_stays(shape: tuple[int, int], seed: int) -> None:
    nonzero = lines(shape, seed) & ellipse(shape, seed) & some_zeros(shape, 0.02, seed)
    found = sampled_of(nonzero)
    np.testing.assert_array_equal(sampled_of(found), found)


@given(sides, st.integers(1, 6), st.integers(0, 6), st.floats(0, 0.004), seeds)
def test_padding_under_a_mask_was_not_measured(
    shape: tuple[int, int], left: int, right: int, dead: float, seed: int
) -> None:
    mask = lines(shape, seed)
    columns = np.arange(shape[1])
    measured = mask & (columns >= left) & (columns < shape[1] - right)
    alive = some_zeros(shape, dead, seed)
    assume(np.count_nonzero(measured & ~alive) <= 0.01 * np.count_nonzero(measured))  # of few samples more may be dead
    np.testing.assert_array_equal(measured_of(mask, measured & alive), measured)


def test_a_mask_of_a_scan_without_noise_is_taken_at_its_word() -> None:
    mask = np.ones((32, 32), bool)
    nonzero = some_zeros((32, 32), 0.1, 0)
    nonzero[:, 5] = False
    assert measured_of(mask, nonzero).all()
    assert not measured_of(mask, nonzero | (np.arange(32) != 5))[:, 5].any()
