"""Images in NIfTI files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry, is_size
from invdiff.errors import InputError
from invdiff.files.nifti import open_nifti, read_nifti_header

_UNITS_OF_SPACE = 8  # the first three bits; the others are units of time
_METRE, _MICRON = 1, 3
_MM = {_METRE: 1e3, _MICRON: 1e-3}  # else it is millimetres, or not told


def read(path: Path) -> NDArray[Any]:
    """The volume, with slices, its last axis, first.

    Raises:
        InputError: it declares more than it holds, or the library that reads it is missing.
        Exception: of whatever kind nibabel raises at damage.
    """
    volume = np.asarray(open_nifti(path).dataobj)
    while volume.ndim > 3 and volume.shape[-1] == 1:
        volume = volume[..., 0]
    return np.moveaxis(volume, -1, 0) if volume.ndim == 3 else volume


def read_geometry(path: Path) -> Geometry | None:
    """The geometry of the volume: by its affine, where the header has one that says something (``sform_code`` or
    ``qform_code``), else the size of its voxels alone. None where the header has zeros there.

    Raises:
        InputError: the library that reads it is missing.
        Exception: of whatever kind nibabel raises at damage.
    """
    header = read_nifti_header(path)
    height, width, depth = (*header.get_data_shape(), 1)[:3]
    mm = _MM.get(int(header["xyzt_units"]) % _UNITS_OF_SPACE, 1.0)
    try:
        if header["sform_code"] > 0 or header["qform_code"] > 0:
            scale = np.diag([mm, mm, mm, 1.0])
            return Geometry.from_affine(scale @ header.get_best_affine(), (height, width), depth)
        *lengths, thickness = (mm * float(size) for size in (*header.get_zooms(), 0)[:3])
        field_of_view = (height * lengths[0], width * lengths[1])
        return Geometry((height, width), field_of_view, thickness if is_size(thickness) else None)
    except InputError:
        return None
