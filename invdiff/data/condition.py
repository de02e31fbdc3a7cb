"""How a scan is undersampled."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import MASKS
from invdiff.named import named


@dataclass(frozen=True)
class Condition:
    """A mask by name; the same for all scans of one shape.

    Args:
        mask: one of `invdiff.data.MASKS`.
        acceleration: sample one point in so many.
        centre_fraction: the part of the lines, or of each side, that is always kept.
        seed: of the mask.

    Raises:
        InputError: there is no such mask.
    """

    mask: str
    acceleration: float = 4.0
    centre_fraction: float = 0.08
    seed: int = 0

    def __post_init__(self) -> None:
        named(MASKS, self.mask, "mask")

    def draw(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The mask, bool ``(H, W)``.

        Raises:
            InputError: no such mask has this shape and acceleration.
        """
        return _draw(self, shape).copy()

    def __str__(self) -> str:
        return f"{self.mask} {self.acceleration:g}x"


@cache
def _draw(condition: Condition, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A large Poisson disc takes seconds, and every file of that shape wants the same one."""
    draw = MASKS[condition.mask]
    return draw(shape, condition.acceleration, condition.centre_fraction, condition.seed)
