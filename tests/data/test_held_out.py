"""Samples held back: outside the calibration region, and alike those that were taken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data.held_out import held_out
from invdiff.data.masks import calibration_region
from invdiff.errors import InputError


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100), st.booleans(), st.booleans())
def test_what_is_held_back_was_sampled_and_leaves_the_calibration_region(seed: int, lines: bool, across: bool) -> None:
    rng = np.random.default_rng(seed)
    sampled = np.repeat(rng.random((1, 48)) < 0.4, 64, axis=0) if lines else rng.random((64, 48)) < 0.4
    sampled[26:38, 18:30] = True
    if lines:
        sampled[:, 18:30] = True
    sampled = sampled.T if across else sampled
    held = held_out(sampled, 0.12, 0)
    assert (held <= sampled).all()
    assert calibration_region(sampled & ~held) == calibration_region(sampled)
    assert 0 < held.sum() < 0.25 * sampled.sum()
    np.testing.assert_array_equal(held, held_out(sampled, 0.12, 0))
    if lines:
        line = 1 if across else 0
        assert (held.any(line) == held.all(line)).all()
    else:
        assert (held.any(0) != held.all(0)).any()


def test_too_few_to_choose_from_are_refused() -> None:
    few = np.zeros((16, 16), bool)
    few[:, [0, 6, 7, 8, 9, 10, 15]] = True
    assert held_out(few, 0.12, 0, least=2).any(axis=0).sum() == 2
    with pytest.raises(InputError, match="too few to hold 3 of them back"):
        held_out(few, 0.12, 0, least=3)
    with pytest.raises(InputError, match="nothing is sampled outside"):
        held_out(np.ones((16, 16), bool), 0.12, 0)
