"""Reconstructions on disk, whose numbers are read when they are asked for."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.geometry_arrays import GEOMETRY_KEYS, geometry_in
from invdiff.data.geometry import Geometry
from invdiff.errors import InputError
from invdiff.files.hdf5 import attributes_of, find_numbers, reading
from invdiff.reconstruction.course import PARTS, Course
from invdiff.reconstruction.existing import existing_result

if TYPE_CHECKING:
    import h5py

SAMPLES = ("samples", "samples_uncorrected")
"""Data sets ``(slices, samples, H, W)``."""
IMAGES = ("image", "zero_filled", "ground_truth", "estimate", "mean", "std", "std_uncorrected")
MAGNITUDES = ("magnitude_std", "lower", "upper")
"""With ``IMAGES`` the data sets ``(slices, H, W)``; these are real."""
COURSES = ("estimate", "samples")
"""What a run's course may be told of: data sets such as ``samples_sigma`` ``(slices, iterations)``, and
``samples_change`` and ``samples_residual`` ``(slices, samples, iterations)``."""
_OF_GEOMETRY = {*(key.rpartition("/")[2] for key in GEOMETRY_KEYS), "voxel_size_mm", "affine"}


@dataclass(frozen=True, eq=False)
class WrittenResult:
    """A reconstruction.h5 that is open.

    Attributes:
        path: of the file.
        arrays: its images and samples by name, as they lie in the file: all of one number of slices and one (H, W).
        numbers: what it has one of for each slice, by name: float64 ``(slices,)``.
        attributes: numbers and texts, but those of the geometry.
        geometry: of the images, where it is known.
        courses: of the runs that made the ``estimate`` and the ``samples``, as they lie in the file: data sets by their
            names of those, where they are known.
        seen: of what was measured, ``(H, W)`` of its own, as it lies in the file; None: the result does not tell it.
        densities: the same of the density of samples along a trajectory.
    """

    path: Path
    arrays: "Mapping[str, h5py.Dataset]" = field(repr=False)
    numbers: Mapping[str, NDArray[np.float64]] = field(repr=False)
    attributes: Mapping[str, Any] = field(repr=False)
    geometry: Geometry | None
    courses: "Mapping[str, Mapping[str, h5py.Dataset]]" = field(default_factory=dict, repr=False)
    seen: "h5py.Dataset | None" = field(default=None, repr=False)
    densities: "h5py.Dataset | None" = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, H, W)."""
        slices, height, width = self.arrays["image"].shape
        return slices, height, width

    def volume(self, name: str, rows: Sequence[int] | None = None) -> NDArray[Any]:
        """The numbers of that name, in single precision.

        Args:
            name: of an array.
            rows: of the slices that are wanted, ascending; None: all.

        Raises:
            InputError: there are none, or they are not finite in that precision, or damaged.
        """
        if name not in self.arrays:
            raise InputError(f"{self.path} has no dataset '{name}'; it has {', '.join(self.arrays)}.")
        found = self.arrays[name]
        with np.errstate(over="ignore"):  # what is beyond single precision is refused as infinity
            numbers = np.asarray(
                found[() if rows is None else rows], np.complex64 if found.dtype.kind == "c" else np.float32
            )
            is_finite = np.isfinite(np.abs(numbers)).all()
        if not is_finite:
            raise InputError(f"{self.path}: {name} holds NaN, or infinity, or numbers beyond single precision.")
        return numbers

    def course(self, name: str, rows: Sequence[int] | None = None) -> Course:
        """The course of the runs that made the ``estimate`` or the ``samples``; numbers that are infinite are unknown.

        Args:
            name: of them, one of ``courses``.
            rows: of the slices that are wanted, ascending; None: all.

        Raises:
            InputError: the file is damaged.
        """
        with np.errstate(over="ignore"):
            parts = {
                part: np.asarray(found[() if rows is None else rows], np.float32)
                for part, found in self.courses[name].items()
            }
        return Course(**{part: np.where(np.isfinite(numbers), numbers, np.nan) for part, numbers in parts.items()})

    @property
    def image(self) -> NDArray[np.complex64]:
        """The best image that there is, ``(slices, H, W)``.

        Raises:
            InputError: as `volume`.
        """
        return self.volume("image").astype(np.complex64)

    @property
    def magnitude_std(self) -> NDArray[np.float32] | None:
        """Standard deviation of the image's magnitude, ``(slices, H, W)``; None of fewer than two samples.

        Raises:
            InputError: as `volume`.
        """
        return self.volume("magnitude_std") if "magnitude_std" in self.arrays else None

    @property
    def sampled(self) -> NDArray[np.bool_] | None:
        """What was seen of k-space, or of the pixels, bool ``(H, W)``; None where the result does not tell it."""
        return None if self.seen is None else np.asarray(self.seen[()]) != 0

    @property
    def density(self) -> NDArray[np.float32] | None:
        """How many samples lie near each position of k-space, ``(H, W)``; None where they lie along no trajectory.

        Raises:
            InputError: a number is negative, or not finite.
        """
        if self.densities is None:
            return None
        with np.errstate(over="ignore"):
            found = np.asarray(self.densities[()], np.float32)
        if not (np.isfinite(found) & (found >= 0)).all():
            raise InputError(f"{self.path}: density holds numbers that are none of samples.")
        return found

    @property
    def slices(self) -> tuple[int, ...]:
        """The numbers of its slices in the file that was reconstructed."""
        return tuple(int(number) for number in self.numbers.get("slice", range(self.shape[0])))

    @property
    def slice_names(self) -> tuple[str, ...]:
        """The same as text, of one length, so that their order is that of the alphabet."""
        length = max(4, *(len(str(number)) for number in self.slices))
        return tuple(f"{number:0{length}}" for number in self.slices)


@contextmanager
def written_result(path: str | os.PathLike[str]) -> Iterator[WrittenResult]:
    """A reconstruction.h5, open for reading.

    Raises:
        InputError: there is no such file; it holds no image, or arrays that do not belong to it; or it is damaged.
    """
    path = existing_result(path)
    with reading(path) as file:
        arrays = {name: found for name in (*IMAGES, *MAGNITUDES, *SAMPLES) if (found := _images(file, path, name))}
        if "image" not in arrays:
            raise InputError(
                f"{path} has no dataset 'image' of shape (slices, H, W); give a reconstruction.h5 of invdiff."
            )
        shape = arrays["image"].shape
        for name, found in arrays.items():
            if (found.shape[0], *found.shape[-2:]) != shape:
                raise InputError(f"{path}: {name} has shape {found.shape}, and image {shape}; it is damaged.")
        said = attributes_of(file)
        told = {name: value for name, value in said.items() if name not in _OF_GEOMETRY}
        geometry = _geometry(file, path, said)
        if geometry is not None:
            geometry.check(str(path), shape[1:], shape[0])
        courses = {name: parts for name in COURSES if (parts := _course(file, path, name, shape[0]))}
        numbers = _numbers(file, path, shape[0])
        yield WrittenResult(path, arrays, numbers, told, geometry, courses, *_measured(file, path))


def _images(file: "h5py.File", path: Path, name: str) -> "h5py.Dataset | None":
    found = find_numbers(file, name)
    if found is None:
        return None
    kinds = "f" if name in MAGNITUDES else "fc"
    dimensions = 4 if name in SAMPLES else 3
    if found.ndim != dimensions or found.dtype.kind not in kinds or not found.size:
        raise InputError(
            f"{path} has no dataset '{name}' of {dimensions} dimensions of {found.dtype}; give a reconstruction.h5 of "
            "invdiff."
        )
    return found


def _measured(file: "h5py.File", path: Path) -> "Iterator[h5py.Dataset | None]":
    for name, kinds, words in (("sampled", "biu", "booleans"), ("density", "f", "real numbers")):
        found = find_numbers(file, name)
        if found is not None and (found.ndim != 2 or found.dtype.kind not in kinds or not found.size):
            raise InputError(
                f"{path}: {name} has shape {found.shape} of {found.dtype}, and is to be (H, W) of {words}."
            )
        yield found


def _course(file: "h5py.File", path: Path, name: str, slices: int) -> "dict[str, h5py.Dataset]":
    """The data sets of a course; none where it is not told."""
    found = {part: find_numbers(file, f"{name}_{part}") for part in PARTS}
    parts = {part: numbers for part, numbers in found.items() if numbers is not None}
    if not parts:
        return {}
    shapes = {part: numbers.shape for part, numbers in parts.items()}
    whole = (slices, *shapes.get("change", ())[1:])
    fits = shapes == {"sigma": (slices, whole[-1]), "change": whole, "residual": whole}
    if len(whole) != 3 or not all(whole) or not fits or any(one.dtype.kind != "f" for one in parts.values()):
        told = ", ".join(f"{name}_{part} {shape}" for part, shape in shapes.items())
        raise InputError(f"{path} tells a course of {told} for {slices} slice(s); it is damaged.")
    return parts


def _numbers(file: "h5py.File", path: Path, slices: int) -> dict[str, NDArray[np.float64]]:
    """What there is one of for each slice."""
    found = {}
    for name in file:
        if name in (*IMAGES, *MAGNITUDES, *SAMPLES, *_OF_GEOMETRY):
            continue
        numbers = find_numbers(file, name)
        if numbers is None or numbers.ndim != 1 or numbers.dtype.kind not in "iuf":
            continue
        if len(numbers) != slices:
            raise InputError(f"{path}: {name} has {len(numbers)} numbers for {slices} slice(s); it is damaged.")
        found[name] = np.asarray(numbers[()], np.float64)
    told = found.get("slice")
    if told is not None and not ((told >= 0) & (told < 2**31)).all():
        raise InputError(f"{path}: slice holds no numbers of slices.")
    if told is not None and len(np.unique(told.astype(int))) < slices:
        raise InputError(f"{path}: slice gives several slices one number.")
    return found


def _geometry(file: "h5py.File", path: Path, said: Mapping[str, Any]) -> Geometry | None:
    arrays: dict[str, Any] = {}
    for key in GEOMETRY_KEYS:
        name = key.rpartition("/")[2]
        numbers = find_numbers(file, name)
        if numbers is not None:
            arrays[key] = numbers[()]
        elif name in said:
            arrays[key] = np.asarray(said[name])
    height, width = file["image"].shape[1:]
    return geometry_in(path, arrays, (height, width))
