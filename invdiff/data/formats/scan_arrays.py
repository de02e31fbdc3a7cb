"""Scans in files of named arrays, on a grid or along a trajectory."""

from pathlib import Path

from invdiff.data.axes import Axes
from invdiff.data.formats.layout import Opened, reading_of, scan_in
from invdiff.data.formats.trajectory_arrays import holds_trajectory, scan_along
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scan import Scan


def read_scan_in(opened: Opened, path: Path, axes: Axes | None = None) -> Scan | NonCartesianScan:
    """The scan in a file of named arrays.

    Args:
        opened: opens what the file holds.
        path: of the file.
        axes: of its k-space, where the user says them.

    Raises:
        InputError: it is broken, or does not hold a scan.
    """
    with opened(path) as contents:
        if holds_trajectory(contents):
            return scan_along(path, contents, axes)
        scan = scan_in(path, contents, reading_of(path, contents, axes))
    assert scan is not None
    return scan
