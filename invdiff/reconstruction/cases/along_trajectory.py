"""How an image is seen along a trajectory: F(k) S."""

import numpy as np
from numpy.typing import NDArray

from invdiff.data import held_out
from invdiff.data.masks import calibration_region
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scan import CoilData, ScanSlices
from invdiff.errors import InputError
from invdiff.operators import NonUniformFourier, non_cartesian_sense, pipe
from invdiff.problem import Problem
from invdiff.reconstruction.cases.base import as_tensor

Complex = NDArray[np.complex64]
NON_CARTESIAN = "non-cartesian"
"""What the operator is called."""


def problem_along(scan: CoilData, noise_std: float) -> Problem:
    """The problem of one slice, prepared."""
    assert isinstance(scan, NonCartesianScan)
    assert scan.maps is not None
    points = as_tensor(scan.trajectory.places())
    y = as_tensor(scan.trajectory.sampled(scan.kspace[0]))
    return Problem(non_cartesian_sense(points, as_tensor(scan.maps[0])), y, noise_std)


def gridded_images(scan: CoilData) -> Complex:
    """Coil images of the samples, weighed by the density of their points: ``(slices, coils, H, W)``."""
    assert isinstance(scan, NonCartesianScan)
    images = []
    for one in scan:
        F = NonUniformFourier(as_tensor(one.trajectory.places()), scan.matrix)
        y = as_tensor(one.trajectory.sampled(one.kspace))
        images.append(F.H(pipe(F).to(y.real.dtype) * y).numpy())
    return np.concatenate(images)


def held_readouts(scan: CoilData, fraction: float, seed: int, least: int) -> NDArray[np.bool_]:
    """Samples to hold back, as of `invdiff.data.held_out.held_readouts`."""
    assert isinstance(scan, NonCartesianScan)
    height, _ = calibration_region(scan.filled)
    return held_out.held_readouts(scan.trajectory, scan.matrix, height, fraction, seed, least=least)


def check_grid(scan: ScanSlices, operator: str, maps: str | None) -> None:
    """Refuse the operator of samples on a grid where a scan's are on none, and the other way round.

    Raises:
        InputError: the operator is not for such samples, or maps are to be refined with the image of them.
    """
    is_along = isinstance(scan, NonCartesianScan)
    if is_along != (operator == NON_CARTESIAN):
        lies, other = ("along a trajectory", NON_CARTESIAN) if is_along else ("on a grid", "sense")
        raise InputError(
            f"{scan.name} was measured {lies}, which the operator {operator} is not for; use --operator {other}."
        )
    if is_along and maps == "joint":
        raise InputError(
            f"{scan.name} was measured along a trajectory, where maps are not refined with the image; leave out --maps "
            "joint."
        )
