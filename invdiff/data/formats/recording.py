"""What instruments measured, in files of named arrays; or pictures, to be measured."""

import os

import numpy as np

from invdiff.data.formats.contents import FASTEST_FIRST
from invdiff.data.formats.layout import as_images, as_level, check_numbers
from invdiff.data.formats.reading import read_picture
from invdiff.data.formats.table import existing, find_format
from invdiff.data.picture import Picture
from invdiff.data.recording import Recording
from invdiff.errors import InputError

_KEYS = ("measurement", "image_shape", "noise_std", "ground_truth")


def read_recording(path: str | os.PathLike[str]) -> Recording | Picture:
    """Read ``measurement`` (slices, ...), ``ground_truth`` (slices, H, W) or ``image_shape`` (H, W), and where present
    ``noise_std``, from HDF5 or ``.npz``; or, of a file without a ``measurement``, the picture in it.

    Raises:
        InputError: as `read_picture`; or what the file holds does not fit together.
    """
    path = existing(path, "an image or a measurement")
    found = find_format(path, "images and measurements", lambda one: one.has_picture)
    if found.contents is None:
        return read_picture(path)
    with found.contents(path) as contents:
        held = {key: stored for key in _KEYS if (stored := contents.find(key)) is not None}
        if "measurement" not in held or contents.order == FASTEST_FIRST:
            return read_picture(path)
        for key, stored in held.items():
            check_numbers(path, key, stored)
        arrays = {key: stored[()] for key, stored in held.items()}
    truth = as_images(arrays["ground_truth"]) if "ground_truth" in arrays else None
    if "image_shape" in arrays:
        shape = tuple(np.ravel(arrays["image_shape"]))
    elif truth is not None:
        shape = truth.shape[-2:]
    else:
        raise InputError(
            f"{path} holds a measurement but not of what; store ground_truth, or image_shape, the two sides of its "
            "images in pixels."
        )
    if len(shape) != 2 or any(side != int(side) for side in shape):
        raise InputError(f"{path}: image_shape is {shape}; it is two whole numbers, height and width.")
    sides = (int(shape[0]), int(shape[1]))
    y = np.asarray(arrays["measurement"])
    with np.errstate(over="ignore"):  # too large for single precision becomes infinity, refused as such
        y = y.astype(np.complex64 if np.iscomplexobj(y) else np.float32)
    return Recording(y, sides, as_level(path, arrays.get("noise_std")), truth, str(path))
