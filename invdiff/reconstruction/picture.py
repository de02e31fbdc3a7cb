"""Images that are noisy or have holes: what inpainting and denoising begin from."""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.simulate import read_image
from invdiff.errors import InputError


@dataclass(frozen=True, eq=False)
class Picture:
    """An image ``(slices, H, W)``, float32 or complex64, and what is known of it.

    Args:
        image: what was seen.
        mask: bool ``(H, W)``, true where pixels are known; ``None``: all of them.
        noise_std: of each real number; ``None`` where unknown.
        ground_truth: the image without noise and holes, of the same shape.
        name: for messages.

    Raises:
        InputError: shapes do not agree, numbers are not finite, or everything known is zero.
    """

    image: NDArray[np.inexact]
    mask: NDArray[np.bool_] | None = None
    noise_std: float | None = None
    ground_truth: NDArray[np.inexact] | None = None
    name: str = "image"

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.size == 0:
            raise InputError(
                f"{self.name}: the image has shape {self.image.shape}; it must be (slices, H, W) or (H, W)."
            )
        shape = self.image.shape
        if self.mask is not None and self.mask.shape != shape[1:]:
            raise InputError(
                f"{self.name}: the mask has shape {self.mask.shape} but the image {shape[1:]}; they must agree."
            )
        if self.ground_truth is not None and self.ground_truth.shape != shape:
            raise InputError(f"{self.name}: ground_truth has shape {self.ground_truth.shape} but the image {shape}.")
        seen = self.image[:, self.sampled]
        if not np.isfinite(seen).all():
            raise InputError(f"{self.name}: the image holds NaN or infinity; mark those pixels as unknown in a mask.")
        if not seen.any(axis=1).all():
            raise InputError(f"{self.name}: the image, or a slice of it, is zero everywhere.")

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """The mask, all true where there is none."""
        return np.ones(self.image.shape[1:], bool) if self.mask is None else self.mask

    def with_noise_std(self) -> Self:
        """The picture with its noise level, estimated from its finest wavelets (Donoho 1994, by scikit-image) where
        unknown."""
        if self.noise_std is not None:
            return self
        from skimage import restoration

        estimate_sigma: Any = restoration.estimate_sigma  # the library carries no types

        filled = np.where(self.sampled, self.image, 0)
        parts = [filled.real, filled.imag] if np.iscomplexobj(filled) else [filled]
        estimates = [estimate_sigma(np.asarray(slice_)) for part in parts for slice_ in part]
        return dataclasses.replace(self, noise_std=float(np.mean(estimates)))


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read ``image``, and where present ``mask``, ``noise_std`` and ``ground_truth``, from HDF5 or ``.npz``; or an
    image file alone.

    Raises:
        InputError: the file is missing or of another kind, or what it holds does not fit together.
    """
    path = Path(path)
    match path.suffix.lower():
        case ".h5" | ".hdf5":
            return _picture(path, _hdf5(path))
        case ".npz":
            return _picture(path, _npz(path))
        case _:
            return _picture(path, {"image": read_image(path)})


_KEYS = ("image", "mask", "noise_std", "ground_truth")


def _hdf5(path: Path) -> dict[str, Any]:
    import h5py

    try:
        with h5py.File(path) as file:
            return {key: file[key][()] for key in _KEYS if key in file}
    except OSError as error:
        raise InputError(f"{path} can't be read as HDF5: {error}.") from error


def _npz(path: Path) -> dict[str, Any]:
    from zipfile import BadZipFile

    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in _KEYS if key in archive}
    except (OSError, ValueError, BadZipFile, EOFError) as error:
        raise InputError(f"{path} can't be read as .npz: {error}.") from error


def _picture(path: Path, datasets: dict[str, Any]) -> Picture:
    if "image" not in datasets:
        raise InputError(f"{path} has no dataset 'image', which inpainting and denoising begin from.")

    def stack(array: NDArray[Any]) -> NDArray[np.inexact]:
        array = np.asarray(array)
        if array.dtype.kind not in "fciub":
            raise InputError(f"{path}: images hold numbers, not {array.dtype}.")
        array = array.astype(np.complex64 if np.iscomplexobj(array) else np.float32)
        return array[None] if array.ndim == 2 else array

    mask, truth = datasets.get("mask"), datasets.get("ground_truth")
    level = datasets.get("noise_std")
    return Picture(
        stack(datasets["image"]),
        None if mask is None else np.asarray(mask) != 0,
        None if level is None else float(np.asarray(level)),
        None if truth is None else stack(truth),
        str(path),
    )
