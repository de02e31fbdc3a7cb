"""Samples of a reconstruction on disk, as what they tell of its magnitude."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.hdf5 import attributes_of, find_numbers, reading
from invdiff.reconstruction.existing import existing_result
from invdiff.reconstruction.uncertainty.magnitude import Magnitude

if TYPE_CHECKING:
    import h5py


@dataclass(frozen=True, eq=False)
class WrittenSamples:
    """The samples in a reconstruction.h5, of which each slice is read when it is asked for.

    Attributes:
        path: of the file.
        shape: (slices, samples, H, W).
        numbers: of the slices in the file that was reconstructed.
        attributes: of the result.
    """

    path: Path
    shape: tuple[int, int, int, int]
    numbers: tuple[int, ...]
    attributes: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """The samples in a file.

        Raises:
            InputError: there is no such file, or it holds no image with two samples or more.
        """
        path = existing_result(path)
        with reading(path) as file:
            image = _numbers(file, path, "image", 3)
            slices, height, width = image.shape
            samples = find_numbers(file, "samples")
            if samples is None or (samples.ndim == 4 and samples.shape[1] < 2):
                raise InputError(
                    f"{path} has no two samples of a slice, so nothing tells its uncertainty; make it with --samples 4."
                )
            if samples.ndim != 4 or (samples.shape[0], *samples.shape[2:]) != image.shape:
                raise InputError(f"{path} has samples of shape {samples.shape} of an image of {image.shape}.")
            numbers = find_numbers(file, "slice")
            told = np.arange(slices) if numbers is None else np.asarray(numbers[()])
            if told.shape != (slices,) or told.dtype.kind not in "iuf" or not np.isfinite(told).all():
                raise InputError(f"{path}: slice of shape {told.shape} holds no numbers of {slices} slice(s).")
            shape = (slices, samples.shape[1], height, width)
            return cls(path, shape, tuple(map(int, told)), attributes_of(file))

    def __getitem__(self, row: int) -> Magnitude | None:
        """What the samples of a slice tell of its magnitude; None where all are zero, as of a slice that is empty or
        failed.

        Args:
            row: of the slice in the file.

        Raises:
            InputError: the numbers are not finite, or the file is damaged.
        """
        with reading(self.path) as file:
            is_own = find_numbers(file, "estimate") is not None
            with np.errstate(over="ignore"):  # what is beyond single precision is refused as infinity
                samples = np.asarray(_numbers(file, self.path, "samples", 4)[row], np.complex64)
                image = np.asarray(_numbers(file, self.path, "image", 3)[row], np.complex64)
        if not samples.any() and not image.any():
            return None
        try:
            return Magnitude.of(samples, image if is_own else None)
        except InputError as error:
            raise InputError(f"{self.path}, slice {self.numbers[row]}: {error}") from error

    @property
    def affine(self) -> NDArray[np.float64] | None:
        """4 x 4, of the volume, as of NIfTI; None where the result does not tell it."""
        found = np.asarray(self.attributes.get("affine"), object)
        if found.shape != (4, 4) or not all(isinstance(number, int | float) for number in found.flat):
            return None
        return found.astype(np.float64)


def _numbers(file: "h5py.File", path: Path, name: str, dimensions: int) -> "h5py.Dataset":
    found = find_numbers(file, name)
    if found is None or found.ndim != dimensions or found.dtype.kind not in "fc" or not found.size:
        raise InputError(
            f"{path} has no dataset '{name}' of {dimensions} dimensions; give a reconstruction.h5 of invdiff."
        )
    return found
