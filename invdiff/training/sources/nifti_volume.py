"""A NIfTI file as axial slices."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.files.damage import read_as
from invdiff.files.nifti import open_nifti
from invdiff.training.sources.volumes import Volume, check_stack


@dataclass(frozen=True)
class NiftiVolume(Volume):
    """Slices show the front of the head at the top and the patient's left at the left, as its orientation says."""

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
