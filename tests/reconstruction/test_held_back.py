"""Samples held back: outside the calibration region, and alike those that were taken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data.masks import calibration_region
from invdiff.errors import InputError
from invdiff.reconstruction.held_back import held_back


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100), st.booleans(), st.booleans())
def test_what_is_held_back_was_sampled_and_leaves_the_calibration_region(seed: int, lines: bool, across: bool) -> None:
    rng = np.random.default_rng(seed)
    sampled = np.repeat(rng.random((1, 48)) < 0.4, 64, axis=0) if lines else rng.random((64, 48)) < 0.4
    sampled[26:38, 18:30] = True
    if lines:
        sampled[:, 18:30] = True
    sampled = sampled.T if across else sampled
    held = held_back(sampled)
    assert (held <= sampled).all()
    assert calibration_region(sampled & ~held) == calibration_region(sampled)
    assert 0 < held.sum() < 0.2 * sampled.sum()
    np.testing.assert_array_equal(held, held_back(sampled))
    if lines:
        line = 1 if across else 0
        assert (held.any(line) == held.all(line)).all()
    else:
        assert (held.any(0) != held.all(0)).any()


def test_too_few_to_choose_from_are_refused() -> None:
    with pytest.raises(InputError, match="too few to hold some back"):
        held_back(np.ones((16, 16), bool))
