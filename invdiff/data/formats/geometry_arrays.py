"""A scan's geometry as named arrays, as HDF5 files and NumPy archives hold it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry, Plane
from invdiff.errors import InputError

_GROUP = "geometry/"
_KINDS: dict[str, tuple[tuple[int | None, ...], str]] = {
    "field_of_view_mm": ((2,), "iuf"),
    "slice_thickness_mm": ((), "iuf"),
    "recon_field_of_view_mm": ((2,), "iuf"),
    "recon_matrix": ((2,), "iu"),
    "position_mm": ((None, 3), "iuf"),
    "directions": ((None, 3, 3), "iuf"),
}
GEOMETRY_KEYS = tuple(f"{_GROUP}{name}" for name in _KINDS)
PLANE_KEYS = GEOMETRY_KEYS[-2:]
"""Those that have an entry for every slice."""


def sizes_of(geometry: Geometry) -> dict[str, NDArray[Any]]:
    """The arrays that are the same for every slice, by their names without that of the group."""
    given = {
        "field_of_view_mm": geometry.field_of_view,
        "slice_thickness_mm": geometry.slice_thickness,
        "recon_field_of_view_mm": geometry.recon_field_of_view,
        "recon_matrix": geometry.recon_matrix,
    }
    return {name: np.asarray(value) for name, value in given.items() if value is not None}


def planes_of(geometry: Geometry) -> dict[str, NDArray[np.float64]]:
    """The arrays that have an entry for every slice: ``position_mm`` (slices, 3) and ``directions`` (slices, 3, 3), of
    each the unit vectors of read, phase and slice."""
    if geometry.planes is None:
        return {}
    return {
        "position_mm": np.array([plane.position for plane in geometry.planes], np.float64),
        "directions": np.array([plane.directions for plane in geometry.planes], np.float64),
    }


def arrays_of(geometry: Geometry) -> dict[str, NDArray[Any]]:
    """All arrays, by ``GEOMETRY_KEYS``."""
    return {f"{_GROUP}{name}": array for name, array in {**sizes_of(geometry), **planes_of(geometry)}.items()}


def geometry_in(path: Path, arrays: Mapping[str, Any], shape: tuple[int, int]) -> Geometry | None:
    """The geometry that arrays by ``GEOMETRY_KEYS`` are; None where there is no field of view.

    Args:
        path: of their file.
        arrays: what there is.
        shape: (H, W) of the image.

    Raises:
        InputError: they are no geometry.
    """
    found = _checked(path, arrays)
    if "field_of_view_mm" not in found:
        return None
    height, width = found["field_of_view_mm"]
    recon = found.get("recon_field_of_view_mm")
    matrix = found.get("recon_matrix")
    try:
        return Geometry(
            shape,
            (height, width),
            found.get("slice_thickness_mm"),
            None if recon is None else (recon[0], recon[1]),
            None if matrix is None else (matrix[0], matrix[1]),
            planes_in(path, arrays),
        )
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from error


def planes_in(path: Path, arrays: Mapping[str, Any]) -> tuple[Plane, ...] | None:
    """The planes that arrays by ``PLANE_KEYS`` are; None where one of them is missing.

    Raises:
        InputError: they are no planes.
    """
    found = _checked(path, arrays)
    positions, directions = found.get("position_mm"), found.get("directions")
    if positions is None or directions is None:
        return None
    if len(positions) != len(directions):
        raise InputError(f"{path}: {len(positions)} positions of slices and the directions of {len(directions)}.")
    try:
        return tuple(
            Plane(tuple(position), *map(tuple, vectors))
            for position, vectors in zip(positions, directions, strict=True)
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _checked(path: Path, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Of the arrays, those of a geometry as plain numbers, by their names without that of the group."""
    found = {}
    for name, (shape, kinds) in _KINDS.items():
        if f"{_GROUP}{name}" not in arrays:
            continue
        array = np.asarray(arrays[f"{_GROUP}{name}"])
        fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        if not fits or array.dtype.kind not in kinds:
            expected = ", ".join("slices" if n is None else str(n) for n in shape)
            raise InputError(
                f"{path}: {_GROUP}{name} of shape {array.shape} holds {array.dtype}; it must be of shape ({expected}) "
                f"and hold {'whole ' * (kinds == 'iu')}numbers."
            )
        found[name] = array.tolist()
    return found
