"""Scans of images that are known."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.coils import birdcage_maps
from invdiff.data.fourier import to_kspace
from invdiff.data.memory import check_memory
from invdiff.data.phantom import smooth_phase
from invdiff.data.scan import Scan
from invdiff.errors import InputError


def read_image(path: str | os.PathLike[str], slices: Sequence[int] | None = None) -> NDArray[Any]:
    """The image ``(slices, H, W)`` in a file, with the file's own values.

    NIfTI (``.nii``, ``.nii.gz``; slices along the last axis), pictures (``.png``, ``.tif``, ``.jpg``; colours turn to
    grey), or NumPy (``.npy``; (H, W) or (slices, H, W), real or complex).

    Args:
        path: the file.
        slices: which slices; all, where not given.

    Raises:
        InputError: the file is missing, broken, of an unknown kind, not two- or three-dimensional, or lacks a slice.
    """
    path = Path(path)
    if not os.path.isfile(path):  # which answers for a name that is longer than any file's, too
        raise InputError(
            f"{path} {'is a folder' if os.path.isdir(path) else 'does not exist'}; give the path of an image."
        )
    kind = "".join(path.suffixes[-2:]).lower()
    reader = next((r for suffix, r in _READERS.items() if kind.endswith(suffix)), None)
    if reader is None:
        raise InputError(f"{path} has the suffix '{path.suffix}'; images are read from {', '.join(_READERS)} files.")
    try:
        volume = reader(path)
    except Exception as error:  # damaged files fail in ways that no list holds
        raise InputError(
            f"{path} can't be read as an image: {' '.join(str(error).split()) or type(error).__name__}."
        ) from error
    if volume.ndim == 2:
        volume = volume[None]
    if volume.ndim != 3 or volume.dtype.kind not in "buifc":
        raise InputError(
            f"{path} holds {volume.dtype} of shape {volume.shape}; an image is (H, W) or (slices, H, W) numbers."
        )
    if slices is None:
        return volume
    if not slices or any(not -len(volume) <= i < len(volume) for i in slices):
        raise InputError(f"{path} has slices 0 to {len(volume) - 1}; asked for {list(slices)}.")
    return volume[list(slices)]


def _nifti(path: Path) -> NDArray[Any]:
    import nibabel

    volume = np.asarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined] # images of every kind have it
    while volume.ndim > 3 and volume.shape[-1] == 1:
        volume = volume[..., 0]
    return np.moveaxis(volume, -1, 0) if volume.ndim == 3 else volume


def _picture(path: Path) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path, formats=("PNG", "TIFF", "JPEG")) as picture:  # by content; PostScript would be run
        deep = picture.mode.startswith(("I", "F"))  # more than eight bits: keep them
        return np.asarray(picture if deep else picture.convert("L"))


def _npy(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    return array


_READERS = {".nii.gz": _nifti, ".nii": _nifti, ".png": _picture, ".tif": _picture, ".jpg": _picture, ".npy": _npy}

_COPIES = 3
"""Of a scan's numbers, at one time: k-space, the coil maps of every slice, and what is left of k-space by the mask."""


def simulate(
    image: NDArray[Any],
    *,
    coils: int = 8,
    phase: str = "smooth",
    mask: NDArray[np.bool_] | None = None,
    noise_std: float = 0.0,
    seed: int = 0,
    name: str = "simulated",
) -> Scan:
    """Scan an image: y = mask F S x + noise.

    A real image is scaled to a largest value of one and given a phase; a complex image keeps its own units and phase.
    The coils are a birdcage's, normalised; a single coil has a map of ones. Noise is drawn slice by slice.

    Args:
        image: ``(slices, H, W)`` or ``(H, W)``.
        coils: how many.
        phase: of real images: ``"smooth"`` (a random cubic polynomial) or ``"none"``.
        mask: bool ``(H, W)`` or ``(W,)``; None samples everything.
        noise_std: of each real and each imaginary part, in units of the scaled image.
        seed: of noise and phase.
        name: of the scan.

    Returns:
        The scan with its maps, noise level and ground truth.

    Raises:
        InputError: the image is not two- or three-dimensional, not finite or zero everywhere; the mask has another
            shape; the noise level is negative; or this machine hasn't the memory.
    """
    image = np.asarray(image)
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3:
        raise InputError(f"An image to scan is (H, W) or (slices, H, W), not {image.shape}.")
    if not np.isfinite(image).all() or not image.any():
        raise InputError(f"The image of shape {image.shape} to scan holds NaN or infinity, or nothing but zeros.")
    if not (np.isfinite(noise_std) and noise_std >= 0):
        raise InputError(f"A noise level is a finite number, zero or more, not {noise_std}.")
    if phase not in ("smooth", "none"):
        raise InputError(f"There is no phase '{phase}'; choose smooth or none.")
    slices, *sides = image.shape
    shape = (sides[0], sides[1])
    what = f"A scan of {slices} slice(s) of {shape[0]} x {shape[1]} by {coils:,} coils"
    check_memory(what, _COPIES * np.dtype(np.complex64).itemsize * coils * image.size)
    if not np.iscomplexobj(image):
        largest = np.abs(image).max()
        angle = smooth_phase(shape, seed) if phase == "smooth" else 0.0
        image = (image / largest).astype(np.float32) * np.exp(1j * np.asarray(angle, np.float32))
    truth = image.astype(np.complex64)
    maps = np.ones((1, *shape), np.complex64) if coils == 1 else birdcage_maps(coils, shape)
    kspace = to_kspace(maps * truth[:, None])
    for i, y in enumerate(kspace):
        parts = np.random.default_rng((seed, i)).standard_normal((2, *y.shape), np.float32)
        y += np.float32(noise_std) * (parts[0] + 1j * parts[1])
    full = Scan(
        kspace=kspace,
        mask=np.ones(shape, bool),
        maps=np.repeat(maps[None], len(kspace), axis=0),
        noise_std=noise_std,
        ground_truth=truth,
        name=name,
    )
    return full if mask is None else full.undersample(mask)
