"""Angles from one spoke to the next that fill the circle evenly, however many spokes there are."""

import math

_GOLDEN_RATIO = (1 + math.sqrt(5)) / 2


def tiny_golden_angle(number: int) -> float:
    """Half a turn over the golden ratio and one less than the number, in radians (Wundrak et al., IEEE Transactions on
    Medical Imaging 34, 2015).

    Args:
        number: one, for the golden angle itself, or more, for smaller ones.
    """
    return math.pi / (_GOLDEN_RATIO + number - 1)


GOLDEN_ANGLE = tiny_golden_angle(1)
"""111.246 degrees (Winkelmann et al., IEEE Transactions on Medical Imaging 26, 2007), in radians."""
