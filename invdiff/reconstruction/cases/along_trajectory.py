"""How an image is seen along a trajectory: F(k) S."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from invdiff.data import held_out
from invdiff.data.masks import calibration_region
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scan import CoilData, ScanSlices
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, NonUniformFourier
from invdiff.reconstruction.cases.base import as_tensor

Complex = NDArray[np.complex64]
NON_CARTESIAN = "non-cartesian"
"""What the operator is called."""


def transform_along(scan: CoilData) -> LinearOperator:
    """F(k) of one slice, from an image ``(H, W)`` to its samples ``(m,)``."""
    assert isinstance(scan, NonCartesianScan)
    return NonUniformFourier(as_tensor(scan.trajectory.places()), scan.matrix)


def samples_along(scan: CoilData) -> Tensor:
    """Samples of one slice, ``(coils, m)``."""
    assert isinstance(scan, NonCartesianScan)
    return as_tensor(scan.trajectory.sampled(scan.kspace[0]))


def gridded_images(scan: CoilData) -> Complex:
    """Coil images of the samples, weighed by the density of their points: ``(slices, coils, H, W)``."""
    assert isinstance(scan, NonCartesianScan)
    return scan.coil_images


def kspace_along(scan: ScanSlices, coil_images: Complex) -> Complex:
    """What coils would see of their images, ``(slices, coils, H, W)``, at all points: ``(slices, coils, m)``."""
    assert isinstance(scan, NonCartesianScan)
    every = (
        NonUniformFourier(as_tensor(one.trajectory.places()), scan.matrix)(as_tensor(images)).numpy()
        for one, images in zip(scan, coil_images, strict=True)
    )
    return np.stack(list(every))


def density_along(scan: CoilData) -> NDArray[np.float32]:
    """How many samples lie near each position of the grid, ``(H, W)``."""
    assert isinstance(scan, NonCartesianScan)
    return scan.density


def held_readouts(scan: CoilData, fraction: float, seed: int, least: int) -> NDArray[np.bool_]:
    """Samples to hold back, as of `invdiff.data.held_out.held_readouts`."""
    assert isinstance(scan, NonCartesianScan)
    height, _ = calibration_region(scan.filled)
    return held_out.held_readouts(scan.trajectory, scan.matrix, height, fraction, seed, least=least)


def check_grid(scan: ScanSlices, operator: str) -> None:
    """Refuse the operator of samples on a grid where a scan's are on none, and the other way round.

    Raises:
        InputError: the operator is not for such samples.
    """
    is_along = isinstance(scan, NonCartesianScan)
    if is_along != (operator == NON_CARTESIAN):
        lies, other = ("along a trajectory", NON_CARTESIAN) if is_along else ("on a grid", "sense")
        raise InputError(
            f"{scan.name} was measured {lies}, which the operator {operator} is not for; use --operator {other}."
        )
