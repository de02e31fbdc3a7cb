"""Where held-back samples stand: lines of either dimension are lines, so what is told of them turns with them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from invdiff.data.held_out import held_out
from invdiff.reconstruction.audit import Correction, Discrepancy, Places

Mask = NDArray[np.bool_]


def places(held: Mask) -> Places:
    return Places(np.argwhere(held) - np.array(held.shape) // 2, held.shape, True)


def columns(sides: tuple[int, int], seed: int) -> Mask:
    """Some of the columns, held back whole, but not all."""
    chosen = np.random.default_rng(seed).random(sides[1]) < 0.4
    chosen[:3] = True, True, False
    return np.broadcast_to(chosen, sides)


def discrepancy(held: Mask, seed: int) -> Discrepancy:
    """Errors of which each line has much in common, as neighbours along a line of k-space have."""
    rng = np.random.default_rng(seed)
    error = (1 + 4 * rng.random(held.shape[1]) ** 2) * (0.9 + 0.2 * rng.random(held.shape))
    one = np.ones(held.sum())
    return Discrepancy(places(held), error[held], 0.1 * one, one, one)


def transposed(found: Discrepancy, held: Mask) -> Discrepancy:
    """The same scan, of which the axes are exchanged."""
    order = np.lexsort(np.argwhere(held).T)  # by column, then by row: as the transposed mask lists them
    parts = {name: getattr(found, name)[order] for name in ("error", "noise", "signal", "variance")}
    return replace(found, places=places(held.T), **parts)


@given(sides=st.tuples(st.integers(3, 24), st.integers(4, 24)), seed=st.integers(0, 2**16))
def test_the_uncertainty_is_that_of_the_transposed_scan(sides: tuple[int, int], seed: int) -> None:
    held = columns(sides, seed)
    found = discrepancy(held, seed)
    one, other = Correction.of(found), Correction.of(transposed(found, held))
    assert other.overall == pytest.approx(one.overall)
    assert other.overall_uncertainty == pytest.approx(one.overall_uncertainty)


def test_points_that_are_lines_would_tell_too_little_uncertainty() -> None:
    held = columns((24, 20), 0)
    found = discrepancy(held, 0)
    scattered = held.copy()
    scattered[0, np.flatnonzero(held[0])[0]] = False  # one that is missing makes them points
    kept = scattered[held]
    parts = {name: getattr(found, name)[kept] for name in ("error", "noise", "signal", "variance")}
    assert (
        Correction.of(found).overall_uncertainty
        > 2 * Correction.of(replace(found, places=places(scattered), **parts)).overall_uncertainty
    )


@given(
    sides=st.tuples(st.integers(8, 24), st.integers(16, 32)),
    seed=st.integers(0, 2**16),
    rows=st.booleans(),
)
def test_what_is_held_back_as_lines_is_taken_for_lines(sides: tuple[int, int], seed: int, rows: bool) -> None:
    middle = np.abs(np.arange(sides[1]) - sides[1] // 2) < 2
    sampled = np.broadcast_to(middle | (np.random.default_rng(seed).random(sides[1]) < 0.6), sides).copy()
    sampled[:, [0, -1]] = True, False
    held = held_out(sampled.T if rows else sampled, 0.2, seed)
    assert len(np.unique(places(held).line)) == (held[:, 0] if rows else held[0]).sum()
