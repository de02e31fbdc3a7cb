"""Scans along trajectories for the tests of their files."""

from pathlib import Path

from invdiff.data import NonCartesianScan, open_scan


def opened(path: Path) -> NonCartesianScan:
    """The scan in a file, which is one along a trajectory."""
    scan = open_scan(path)
    assert isinstance(scan, NonCartesianScan)
    return scan


def header(shape: tuple[int, int], millimetres: tuple[int, int, int], trajectory: str) -> bytes:
    """An ISMRMRD header: encoded and reconstructed space are the same, with sides in pixels and in millimetres."""
    size, view = (
        "".join(f"<{axis}>{n}</{axis}>" for axis, n in zip("xyz", sides, strict=True))
        for sides in ((*shape, 1), millimetres)
    )
    space = f"<matrixSize>{size}</matrixSize><fieldOfView_mm>{view}</fieldOfView_mm>"
    return (
        '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>'
        f"<encodedSpace>{space}</encodedSpace><reconSpace>{space}</reconSpace><encodingLimits/>"
        f"<trajectory>{trajectory}</trajectory></encoding></ismrmrdHeader>"
    ).encode()
