"""Where the pixels of slices lie in space."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import central
from invdiff.errors import InputError

Pair = tuple[float, float]
Vector = tuple[float, float, float]
Number = TypeVar("Number", bound=np.generic)

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
_LEAST, _MOST = 1e-9, 1e9  # mm, or pixels: what is beyond is no size of anything that is imaged
_UNIT = 1e-2  # a vector whose length is further from one is no direction
_FLAT = 1e-3  # three directions that span less than this volume lie in a plane
_EVEN = 1e-2  # slices that are further from even distances, in parts of these, are not evenly apart


@dataclass(frozen=True)
class Plane:
    """Where a slice lies, in the patient's coordinates: mm towards left, posterior and superior (LPS), as in DICOM and
    ISMRMRD.

    Args:
        position: of the centre of pixel ``(H // 2, W // 2)``, which is that of k-space's Fourier transform.
        read: unit vector in which the rows follow each other, along axis -2.
        phase: the same of the columns, along axis -1.
        slice: across the slice.

    Raises:
        InputError: a number is not finite or beyond 1e9, a direction is no unit vector, or the three lie in one plane.
    """

    position: Vector
    read: Vector
    phase: Vector
    slice: Vector

    def __post_init__(self) -> None:
        if not all(len(vector) == 3 and all(abs(n) <= _MOST for n in vector) for vector in vars(self).values()):
            raise InputError(f"A plane has a position and three directions, of three finite numbers each, not {self}.")
        if (np.abs(np.linalg.norm(self.directions, axis=1) - 1) > _UNIT).any():
            raise InputError(
                f"The directions of a plane are unit vectors, not {self.read}, {self.phase}, {self.slice}."
            )
        if abs(np.linalg.det(self.directions)) < _FLAT:
            raise InputError(f"The directions {self.read}, {self.phase}, {self.slice} of a plane lie in one plane.")

    @property
    def directions(self) -> NDArray[np.float64]:
        """The unit vectors of read, phase and slice, as rows."""
        return np.array([self.read, self.phase, self.slice], np.float64)

    @classmethod
    def known(cls, position: Iterable[Any], *directions: Iterable[Any]) -> Self | None:
        """The plane of a header, whose directions are rounded; None where it tells none.

        Args:
            position: three numbers.
            directions: of read, phase and slice, three numbers each.
        """
        try:
            plane = cls(_vector(position), *map(_vector, directions))
        except (InputError, TypeError, ValueError):
            return None
        read, phase, slice_ = (_vector(unit / np.linalg.norm(unit)) for unit in plane.directions)
        return replace(plane, read=read, phase=phase, slice=slice_)

    def across(self, count: int, apart: float) -> "tuple[Plane, ...]":
        """Planes that follow each other along this one's direction of read, in place of its rows, with the middle one
        ``count // 2`` about its position: their rows follow its columns, and their columns go across it.

        Args:
            count: how many.
            apart: in mm.
        """
        position, read = np.array(self.position), np.array(self.read)
        places = [_vector(position + (k - count // 2) * apart * read) for k in range(count)]
        return tuple(Plane(place, self.phase, self.slice, self.read) for place in places)

    def stacked(self, count: int, apart: float) -> "tuple[Plane, ...]":
        """Planes that follow each other across this one, with the middle one ``count // 2`` in its place.

        Args:
            count: how many.
            apart: in mm.
        """
        position, through = np.array(self.position), np.array(self.slice)
        places = [_vector(position + (k - count // 2) * apart * through) for k in range(count)]
        return tuple(replace(self, position=place) for place in places)


@dataclass(frozen=True)
class Geometry:
    """The field of view of a scan's image grid, the part of it that is reconstructed for, and where slices lie.

    Rows, axis -2, follow each other along the readout, which ISMRMRD calls x; columns, axis -1, along the phase, y.

    Args:
        shape: (H, W) of the grid.
        field_of_view: of the grid, in mm along both axes.
        slice_thickness: in mm; None where unknown.
        recon_field_of_view: in mm along both axes, the central part that an image is wanted of: without the
            oversampling of the readout, say. None: all of it.
        recon_matrix: pixels that the scanner's own reconstruction has there, perhaps by interpolation; None where
            unknown.
        planes: of every slice; None where unknown.

    Raises:
        InputError: a size is not positive and finite: from 1e-9 to 1e9.
    """

    shape: tuple[int, int]
    field_of_view: Pair
    slice_thickness: float | None = None
    recon_field_of_view: Pair | None = None
    recon_matrix: tuple[int, int] | None = None
    planes: tuple[Plane, ...] | None = None

    def __post_init__(self) -> None:
        thickness = None if self.slice_thickness is None else (self.slice_thickness,)
        for what, sizes, count in (
            ("matrix", self.shape, 2),
            ("field of view", self.field_of_view, 2),
            ("slice thickness", thickness, 1),
            ("recon field of view", self.recon_field_of_view, 2),
            ("recon matrix", self.recon_matrix, 2),
        ):
            if sizes is not None and not (len(sizes) == count and all(map(is_size, sizes))):
                raise InputError(f"The {what} of an image is {count} positive number(s), not {sizes}.")

    @classmethod
    def from_affine(cls, affine: NDArray[np.float64], shape: tuple[int, int], slices: int) -> Self:
        """The geometry of a volume.

        Args:
            affine: 4 x 4, from (row, column, slice, 1) to mm towards right, anterior and superior (RAS), as of NIfTI.
            shape: (H, W).
            slices: how many there are.

        Raises:
            InputError: the matrix is not finite, or not invertible.
        """
        lps = _LPS_TO_RAS @ np.asarray(affine, np.float64)[:3]
        steps = np.linalg.norm(lps[:, :3], axis=0)
        if not (np.isfinite(lps).all() and np.isfinite(steps).all() and steps.all()):
            raise InputError(f"The affine {affine.tolist()} of a volume is not finite, or has a column of zeros.")
        read, phase, slice_ = (_vector(column) for column in (lps[:, :3] / steps).T)
        places = [lps @ (shape[0] // 2, shape[1] // 2, k, 1) for k in range(slices)]
        planes = tuple(Plane(_vector(place), read, phase, slice_) for place in places)
        return cls(shape, (float(shape[0] * steps[0]), float(shape[1] * steps[1])), float(steps[2]), planes=planes)

    @property
    def voxel_size(self) -> Pair:
        """In mm along both axes."""
        return self.field_of_view[0] / self.shape[0], self.field_of_view[1] / self.shape[1]

    @property
    def affine(self) -> NDArray[np.float64] | None:
        """4 x 4, from (row, column, slice, 1) to mm towards right, anterior and superior (RAS), as NIfTI has it; None
        where it is unknown where slices lie, or they are not parallel and evenly apart."""
        step = self._step
        if self.planes is None or step is None:
            return None
        first = self.planes[0]
        columns = [first.directions[0] * self.voxel_size[0], first.directions[1] * self.voxel_size[1], step]
        origin = np.array(first.position) - columns[0] * (self.shape[0] // 2) - columns[1] * (self.shape[1] // 2)
        return np.vstack([_LPS_TO_RAS @ np.stack([*columns, origin], axis=1), [0, 0, 0, 1]])

    @property
    def _step(self) -> NDArray[np.float64] | None:
        """From one slice to the next, in mm (LPS)."""
        if self.planes is None:
            return None
        if len(self.planes) == 1:
            thickness = self.slice_thickness
            return None if thickness is None else thickness * self.planes[0].directions[2]
        places = np.array([plane.position for plane in self.planes])
        step: NDArray[np.float64] = (places[-1] - places[0]) / (len(places) - 1)
        apart = np.linalg.norm(step)
        even = np.abs(places - places[0] - np.arange(len(places))[:, None] * step).max() <= _EVEN * apart
        parallel = all(
            np.abs(plane.directions - self.planes[0].directions).max() <= _EVEN / max(self.shape)
            for plane in self.planes
        )
        return step if apart > 0 and even and parallel else None

    @property
    def crop(self) -> tuple[slice, slice]:
        """Rows and columns of the grid that belong to the recon field of view, whatever the recon matrix. Pixel
        ``(H // 2, W // 2)`` stays in the centre."""
        rows, columns = central(self.shape, self._kept)
        return rows, columns

    def part(self, images: NDArray[Number]) -> NDArray[Number]:
        """The recon field of view of images ``(..., H, W)``, as a view."""
        return images[..., *self.crop]

    @property
    def cropped(self) -> Self:
        """The geometry of the recon field of view alone."""
        voxel, (height, width) = self.voxel_size, self._kept
        return replace(self, shape=(height, width), field_of_view=(voxel[0] * height, voxel[1] * width))

    @property
    def uncropped(self) -> Self:
        """The geometry of a grid of which all is wanted."""
        return replace(self, recon_field_of_view=None, recon_matrix=None)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user of images may wonder at, as sentences."""
        if self.recon_matrix is None or self.recon_field_of_view is None:
            return ()
        measured = [length / size for length, size in zip(self.recon_field_of_view, self.voxel_size, strict=True)]
        if all(abs(pixels - size) < 1 for pixels, size in zip(measured, self.recon_matrix, strict=True)):
            return ()
        size = " x ".join(f"{length:g}" for length in self.recon_field_of_view)
        return (
            f"The header's recon matrix of {self.recon_matrix[0]} x {self.recon_matrix[1]} over {size} mm is "
            f"interpolated: {self._kept[0]} x {self._kept[1]} pixels were measured there, and images have these.",
        )

    def select(self, slices: Sequence[int]) -> Self:
        """The geometry of these slices alone."""
        return self if self.planes is None else replace(self, planes=tuple(self.planes[k] for k in slices))

    def check(self, name: str, shape: tuple[int, int], slices: int) -> None:
        """Raise ``InputError`` unless it is that of images ``(slices, H, W)``.

        Args:
            name: of what has the images.
            shape: (H, W).
            slices: how many.
        """
        if self.shape != shape or (self.planes is not None and len(self.planes) != slices):
            planes = "" if self.planes is None else f"{len(self.planes)} slice(s) of "
            raise InputError(
                f"{name}: the geometry is of {planes}{self.shape[0]} x {self.shape[1]}, but the image has {slices} "
                f"slice(s) of {shape[0]} x {shape[1]}."
            )

    @property
    def _kept(self) -> tuple[int, int]:
        wanted = self.recon_field_of_view or self.field_of_view
        height, width = (
            n if part >= whole else max(1, round(n * (part / whole)))
            for n, part, whole in zip(self.shape, wanted, self.field_of_view, strict=True)
        )
        return height, width


def is_size(number: object) -> bool:
    """Whether something is a length in mm, or a number of pixels: from 1e-9 to 1e9."""
    return isinstance(number, int | float) and _LEAST <= number <= _MOST


def _vector(numbers: Iterable[Any]) -> Vector:
    x, y, z = (float(number) for number in numbers)
    return x, y, z
