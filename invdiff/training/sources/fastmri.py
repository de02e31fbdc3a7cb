"""A folder of fastMRI's volumes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from invdiff.data import to_image
from invdiff.errors import InputError
from invdiff.files.hdf5 import find_numbers, reading
from invdiff.training.sources.folders import FolderSource
from invdiff.training.sources.volumes import Volume, check_stack


class FastMRIImages(FolderSource):
    """HDF5 volumes in fastMRI's layout (Zbontar et al., arXiv 1811.08839), one a file.

    A slice is what the file holds as ``reconstruction_rss`` or ``reconstruction_esc``, or else the root sum of squares
    of the coil images of its fully sampled ``kspace`` (slices, coils, H, W) or (slices, H, W).
    """

    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5")

    kind: Literal["fastmri"] = Field("fastmri", description="HDF5 volumes in fastMRI's layout.")
    drop_slices: int = Field(
        5, ge=0, description="Slices left out at either end of a volume (Chung & Ye 2022 leave out five)."
    )
    kspace_crop: tuple[PositiveInt, PositiveInt] | None = Field(
        (320, 320),
        description="Centre that is kept of images made from k-space, at most; fastMRI's own have mostly 320 x 320.",
    )

    def volume(self, file: Path) -> Volume:
        return _FastMRIVolume(file, self.drop_slices, self.kspace_crop)


@dataclass(frozen=True)
class _FastMRIVolume(Volume):
    path: Path
    drop_slices: int
    kspace_crop: tuple[int, int] | None

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self, which: slice = slice(None)) -> NDArray[Any]:
        with reading(self.path) as file:
            for key in ("reconstruction_rss", "reconstruction_esc"):
                if (images := find_numbers(file, key)) is not None:
                    check_stack(images.shape, images.dtype, f"{self.path}: {key}")
                    kept = self._kept(len(images))[which]
                    stack: NDArray[Any] = images[kept.start : kept.stop]
                    return stack
            if (kspace := find_numbers(file, "kspace")) is not None:
                ndim = 3 if kspace.ndim == 3 else 4
                check_stack(kspace.shape[1:], kspace.dtype, f"{self.path}: kspace", ndim - 1)
                check_stack((len(kspace), *kspace.shape[-2:]), np.dtype(np.float32), f"{self.path}: kspace")
                return np.stack([self._combined(kspace[i]) for i in self._kept(len(kspace))[which]])
        raise InputError(
            f"{self.path} holds neither 'reconstruction_rss', 'reconstruction_esc' nor 'kspace'; remove it."
        )

    def _kept(self, count: int) -> range:
        kept = range(self.drop_slices, count - self.drop_slices)
        if not kept:
            raise InputError(
                f"{self.path} has {count} slices, of which none is left without {self.drop_slices} at either end; "
                "lower drop_slices, or remove it."
            )
        return kept

    def _combined(self, kspace: NDArray[Any]) -> NDArray[np.float32]:
        """The root sum of squares of one slice's coil images, cropped."""
        kspace = kspace.reshape(-1, *kspace.shape[-2:]).astype(np.complex64)
        sampled: NDArray[np.bool_] = np.asarray(kspace.any(axis=0))
        rows, columns = (np.flatnonzero(sampled.any(axis=axis)) for axis in (1, 0))
        if len(rows) and not sampled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all():
            raise InputError(f"{self.path} is undersampled, so its images would be aliased; remove it.")
        image: NDArray[np.float32] = np.linalg.norm(to_image(kspace), axis=0)
        if self.kspace_crop is not None:
            top, left = (max(0, (n - m) // 2) for n, m in zip(image.shape, self.kspace_crop, strict=True))
            image = image[top : top + self.kspace_crop[0], left : left + self.kspace_crop[1]]
        return image
