"""Scans that are compared on as they were measured."""

from dataclasses import dataclass
from typing import Self

from invdiff.data.masks import achieved_acceleration, calibration_region
from invdiff.data.non_cartesian_scan import NonCartesianScan


@dataclass(frozen=True)
class AsMeasured:
    """The samples along a trajectory, of which no mask leaves any out; it stands where others have a `Condition`.

    Attributes:
        mask: the trajectory in words, as tables and figures call it.
        acceleration: all positions of the grid over those that some sample is nearest to.
        centre_fraction: the part of the grid's shorter side that readouts fill about the centre.
    """

    mask: str
    acceleration: float
    centre_fraction: float

    @classmethod
    def of(cls, scan: NonCartesianScan) -> Self:
        """How a scan was sampled."""
        trajectory, side = scan.trajectory, max(calibration_region(scan.filled))
        words = f"{trajectory.readouts} readouts of {trajectory.samples}"
        return cls(words, round(achieved_acceleration(scan.sampled), 2), round(side / min(scan.matrix), 2))

    def draw(self, shape: tuple[int, int]) -> None:
        """There is no mask."""

    def __str__(self) -> str:
        return self.mask
