"""What named arrays in a file are: a scan in fastMRI's layout, or a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.geometry_arrays import GEOMETRY_KEYS, geometry_in
from invdiff.data.formats.header import geometry_of
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.errors import InputError

STACKS = ("kspace", "sensitivity_maps", "ground_truth", "calibration")
"""What has an entry for every slice."""
SCAN_KEYS = (*STACKS, "mask", "noise_std", "noise", "ismrmrd_header", *GEOMETRY_KEYS)
PICTURE_KEYS = ("image", "mask", "noise_std", "ground_truth")


def scan_of(path: Path, arrays: Mapping[str, Any], attributes: Mapping[str, Any], present: Sequence[str]) -> Scan:
    """The scan that arrays by ``SCAN_KEYS`` are.

    Args:
        path: of their file.
        arrays: what of ``SCAN_KEYS`` there is.
        attributes: whatever else the file says.
        present: what the file holds, in words, where it is no scan.

    Raises:
        InputError: they are no scan.
    """
    if "kspace" not in arrays:
        raise InputError(f"{path} has no dataset 'kspace'; it holds {', '.join(present) or 'no datasets at all'}.")
    for key in arrays.keys() - {"ismrmrd_header", *GEOMETRY_KEYS}:
        _check_numbers(path, key, arrays[key])
    kspace, maps = arrays["kspace"], arrays.get("sensitivity_maps")
    if np.ndim(kspace) not in (3, 4):
        raise InputError(
            f"{path}: kspace has shape {np.shape(kspace)}; it must be (slices, coils, H, W) or (slices, H, W)."
        )
    if kspace.ndim == 3:
        kspace = kspace[:, None]
    if maps is not None and maps.ndim == 3:
        maps = maps[:, None]
    shape = (kspace.shape[-2], kspace.shape[-1])
    geometry = geometry_in(path, arrays, shape)
    if geometry is None and "ismrmrd_header" in arrays:
        geometry = geometry_of(path, _text(path, arrays["ismrmrd_header"]), shape)
    return Scan(
        kspace=kspace,
        mask=arrays.get("mask"),
        maps=maps,
        noise_std=_level(path, arrays.get("noise_std")),
        noise=arrays.get("noise"),
        ground_truth=arrays.get("ground_truth"),
        calibration=arrays.get("calibration"),
        name=path.name,
        attributes=attributes,
        remarks=() if geometry is None else geometry.remarks,
        geometry=geometry,
    )


def picture_of(path: Path, arrays: Mapping[str, Any]) -> Picture:
    """The picture that arrays by ``PICTURE_KEYS`` are.

    Raises:
        InputError: they are no picture.
    """
    if "image" not in arrays:
        raise InputError(f"{path} has no dataset 'image', which inpainting and denoising begin from.")
    for key, array in arrays.items():
        _check_numbers(path, key, array)
    mask, truth = arrays.get("mask"), arrays.get("ground_truth")
    return Picture(
        _stack(arrays["image"]),
        None if mask is None else np.asarray(mask) != 0,
        _level(path, arrays.get("noise_std")),
        None if truth is None else _stack(truth),
        str(path),
    )


def _stack(array: NDArray[Any]) -> NDArray[np.inexact]:
    with np.errstate(over="ignore"):  # too large for single precision becomes infinity, refused later
        array = array.astype(np.complex64 if np.iscomplexobj(array) else np.float32)
    return array[None] if array.ndim == 2 else array


def _level(path: Path, level: Any) -> float | None:
    if level is None:
        return None
    if np.size(level) != 1 or np.asarray(level).dtype.kind not in "fiu":
        raise InputError(f"{path}: noise_std must be one number, not {np.shape(level)} of {np.asarray(level).dtype}.")
    return float(np.asarray(level).item())


def _text(path: Path, text: Any) -> str:
    array = np.asarray(text)
    if array.size != 1 or array.dtype.kind not in "US":
        raise InputError(f"{path}: ismrmrd_header of shape {array.shape} holds {array.dtype}, not a text.")
    value = array.item()
    return value if isinstance(value, str) else bytes(value).decode(errors="replace")


def _check_numbers(path: Path, key: str, array: Any) -> None:
    if np.asarray(array).dtype.kind not in "biufc":
        raise InputError(f"{path}: {key} of shape {np.shape(array)} holds {np.asarray(array).dtype}, not numbers.")
