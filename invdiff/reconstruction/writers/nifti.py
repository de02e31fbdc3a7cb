"""Magnitude, phase and standard deviation as NIfTI, each with a JSON file beside it, by the names of BIDS."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry
from invdiff.reconstruction.writers.description import CONTENTS, described
from invdiff.reconstruction.written_result import WrittenResult

_PARTS = {"magnitude": "part-mag", "phase": "part-phase", "std": "part-mag_desc-std"}
_UNITS = {"magnitude": "arbitrary", "phase": "rad", "std": "arbitrary"}
_NAMED = re.compile(r"(?P<entities>.*[^_-]-[^_-]+)_(?P<suffix>[^_-]+)")  # sub-01_run-2_T2w
_LONGEST = 32767  # along an axis, of NIfTI-1
_SCANNER = 1  # the code of coordinates that are the scanner's
_ORTHOGONAL = 1e-4  # of the cosine between two axes


def write(result: WrittenResult, path: Path) -> tuple[str, ...]:
    """Write NAME_part-mag, NAME_part-phase and, of two samples or more, NAME_part-mag_desc-std, float32 (row, column,
    slice); where NAME ends with a suffix of BIDS, as in ``sub-01_T2w``, these stand before it. Beside each is a JSON
    file that says what it holds and how it was made (BIDS 1.10, "Derived dataset and pipeline description").

    The affine is that of the geometry, turned from LPS to RAS. Where slices don't say where they lie, the header's
    codes are zero, and it has the sizes of voxels alone.

    Raises:
        InputError: the result is damaged.
    """
    affine, sizes, remarks = _place(result.geometry, result.shape[0])
    stem, suffix = _parted(path.name)
    image, std = result.image, result.magnitude_std
    volumes = {"magnitude": np.abs(image), "phase": np.angle(image), "std": std}
    for name, volume in volumes.items():
        if volume is None:
            continue
        made = _image(np.moveaxis(volume, 0, -1), affine, sizes).to_bytes()
        named = _NAMED.fullmatch(stem)
        whole = f"{stem}_{_PARTS[name]}" if named is None else f"{named['entities']}_{_PARTS[name]}_{named['suffix']}"
        packed = gzip.compress(made, mtime=0) if suffix.lower().endswith(".gz") else made
        path.with_name(f"{whole}{suffix}").write_bytes(packed)
        beside = {"Description": f"{CONTENTS[name]}", "Units": _UNITS[name], "Remarks": remarks, **described(result)}
        text = json.dumps(beside, indent=1, allow_nan=False)
        path.with_name(f"{whole}.json").write_text(f"{text}\n", encoding="ascii")
    return remarks


def _place(
    geometry: Geometry | None, slices: int
) -> tuple[NDArray[np.float64] | None, tuple[float, float, float], tuple[str, ...]]:
    """The affine, or None where it is unknown; the size of voxels in mm; and what is not known."""
    if geometry is None:
        return None, (1.0, 1.0, 1.0), (
            "Nothing tells the size of its voxels or where they lie: in the NIfTI files they are of 1 mm, and left and "
            "right mean nothing.",
        )  # fmt: skip
    sizes = (*geometry.voxel_size, geometry.slice_thickness or 1.0)
    remarks: tuple[str, ...] = ()
    if geometry.slice_thickness is None and slices == 1:
        geometry = replace(geometry, slice_thickness=1.0)
        remarks = ("Nothing tells the thickness of its slice: in the NIfTI files it is 1 mm.",)
    if geometry.affine is not None:
        return geometry.affine, sizes, remarks
    if geometry.planes is None:
        why = "Nothing tells where its slices lie"
    else:
        why = "Its slices are not parallel and evenly apart, which no volume of NIfTI says"
    told = f"{why}: the NIfTI files have the size of voxels alone, and left and right mean nothing."
    return None, sizes, (*remarks, told)


def _parted(name: str) -> tuple[str, str]:
    """A file's name without its suffix, and that."""
    suffix = name[-7:] if name.lower().endswith(".nii.gz") else name[-4:]
    return name.removesuffix(suffix), suffix


def _image(volume: NDArray[np.float32], affine: NDArray[np.float64] | None, sizes: tuple[float, float, float]) -> Any:
    import nibabel

    kind: Any = nibabel.Nifti1Image if max(volume.shape) <= _LONGEST else nibabel.Nifti2Image
    made = kind(volume.astype(np.float32), affine)
    made.header.set_xyzt_units("mm")
    if affine is None:
        made.header.set_zooms(sizes)
        return made
    made.set_sform(affine, _SCANNER)
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() < _ORTHOGONAL:  # no rotation says anything else
        made.set_qform(affine, _SCANNER)
    return made
