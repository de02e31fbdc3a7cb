"""How an image is seen along a trajectory: F(k) S."""

import numpy as np
from numpy.typing import NDArray

from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scan import CoilData
from invdiff.errors import InputError
from invdiff.operators import NonUniformFourier, Sensitivities, pipe
from invdiff.problem import Problem
from invdiff.reconstruction.cases.base import as_tensor

Complex = NDArray[np.complex64]


def problem_along(scan: CoilData, noise_std: float) -> Problem:
    """The problem of one slice, prepared."""
    assert isinstance(scan, NonCartesianScan)
    assert scan.maps is not None
    operator = _transform(scan) @ Sensitivities(as_tensor(scan.maps[0]))
    return Problem(operator, as_tensor(scan.kspace[0]).reshape(scan.coils, -1), noise_std)


def gridded_images(scan: CoilData) -> Complex:
    """Coil images of the samples, weighed by the density of their points: ``(slices, coils, H, W)``."""
    assert isinstance(scan, NonCartesianScan)
    F = _transform(scan)
    weights = pipe(F)
    y = as_tensor(scan.kspace).reshape(scan.slices, scan.coils, -1)
    weighted: Complex = F.H(weights.to(y.real.dtype) * y).numpy()
    return weighted


def check_along(scan: NonCartesianScan, operator: str, maps: str | None) -> None:
    """Refuse what makes no sense of samples that are on no grid.

    Raises:
        InputError: another operator, or maps to be refined with the image.
    """
    if operator != "non-cartesian":
        raise InputError(
            f"{scan.name} was measured along a trajectory, but the operator {operator} is for k-space on a grid; use "
            "--operator non-cartesian."
        )
    if maps == "joint":
        raise InputError(
            f"{scan.name} was measured along a trajectory, where maps are not refined with the image; leave out --maps "
            "joint."
        )


def _transform(scan: NonCartesianScan) -> NonUniformFourier:
    return NonUniformFourier(as_tensor(scan.trajectory.points).reshape(-1, 2), scan.matrix)
