"""The golden angle, to all its digits: of a thousand spokes the last is a thousand times as far off."""

import math

import pytest

from invdiff.data.golden_angle import GOLDEN_ANGLE, tiny_golden_angle


def test_half_a_turn_is_to_it_as_both_are_to_half_a_turn() -> None:
    assert math.pi / GOLDEN_ANGLE == pytest.approx((math.pi + GOLDEN_ANGLE) / math.pi, rel=1e-12)


@pytest.mark.parametrize("number", [1, 2, 7])
def test_each_tiny_one_takes_one_spoke_more_to_half_a_turn(number: int) -> None:
    assert math.pi / tiny_golden_angle(number) == pytest.approx(math.pi / GOLDEN_ANGLE + number - 1, rel=1e-12)
