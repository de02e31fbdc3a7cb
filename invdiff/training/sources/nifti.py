"""A folder of subjects with NIfTI volumes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from invdiff.errors import InputError
from invdiff.files.damage import read_as
from invdiff.files.nifti import open_nifti
from invdiff.training.sources.folders import FolderSource
from invdiff.training.sources.volumes import Volume, check_stack


class NiftiImages(FolderSource):
    """Axial slices of NIfTI volumes in the layout of BraTS: a folder a subject, with files such as ``*_t1ce.nii.gz``.

    Slices show the front of the head at the top and the patient's left at the left, as the file's orientation says.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".nii", ".nii.gz")

    kind: Literal["nifti"] = Field("nifti", description="NIfTI volumes in the layout of BraTS.")
    contrasts: tuple[str, ...] = Field(
        ("t1", "t1ce", "t2", "flair"),
        description="What file names end on, after '_' or '-' and before the suffix; an empty list takes every file.",
    )
    least_content: float = Field(
        0.1, ge=0, le=1, description="Slices with a smaller fraction of pixels above a twentieth of white are left out."
    )

    def files(self) -> list[Path]:
        files = super().files()
        wanted = {contrast.lower() for contrast in self.contrasts}
        chosen = [file for file in files if not wanted or _name(file)[1] in wanted]
        if not chosen:
            raise InputError(
                f"{self.path} holds NIfTI, but no file whose name ends on _{' or _'.join(self.contrasts)}; name its "
                "contrasts."
            )
        return chosen

    def subject(self, file: Path) -> str:
        """The folder that a file lies in; in a folder of many subjects, its name without the contrast."""
        if file.parent != self.path and file != self.path:
            return file.parent.name
        return _name(file)[0] if self.contrasts else file.name

    def volume(self, file: Path) -> Volume:
        return _NiftiVolume(file)


def _name(file: Path) -> tuple[str, str]:
    """The subject and the contrast that a file name tells."""
    stem = file.name.lower().removesuffix(".gz").removesuffix(".nii").replace("-", "_")
    subject, _, contrast = stem.rpartition("_")
    return subject, contrast


@dataclass(frozen=True)
class _NiftiVolume(Volume):
    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self, which: slice = slice(None)) -> NDArray[Any]:
        with read_as("NIfTI", self.path):
            image = open_nifti(self.path)
            from nibabel.orientations import io_orientation  # which is there if the image is

            check_stack(image.shape, image.get_data_dtype(), self.name)
            axes, directions = io_orientation(image.affine).T  # type: ignore[no-untyped-call] # of each array axis, in the patient
            right, anterior, superior = (int(np.flatnonzero(axes == axis)[0]) for axis in range(3))
            part = [slice(None)] * 3
            part[superior] = which
            stack = np.asarray(image.dataobj[tuple(part)], np.float32).transpose(superior, anterior, right)
        return stack[:, :: -int(directions[anterior]), :: int(directions[right])]
