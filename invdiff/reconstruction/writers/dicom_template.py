"""The patient, study and frame of reference of a series of DICOM, to which a result belongs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.dicom import numbers_of, plane_of, read_header
from invdiff.data.geometry import Geometry, Plane, is_size
from invdiff.errors import InputError
from invdiff.files.damage import read_as

_NAMES = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "PatientIdentityRemoved", "DeidentificationMethod",
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "StudyDescription", "PatientAge", "PatientSize", "PatientWeight",
    "FrameOfReferenceUID", "PositionReferenceIndicator", "PatientPosition",
)  # fmt: skip
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_PARALLEL = 1e-4  # one minus the cosine of what two normals may differ by: 0.8 degrees
_THICKNESS = 0.1  # of a slice, by which two may lie apart and be the same
_PREAMBLE = 128


@dataclass(frozen=True)
class Place:
    """Where a picture lies.

    Attributes:
        centre: of its field of view, in mm (LPS).
        normal: unit vector across it.
        pixel: the longer side of one, in mm.
    """

    centre: NDArray[np.float64]
    normal: NDArray[np.float64]
    pixel: float

    @classmethod
    def of(cls, plane: Plane, shape: tuple[int, int], voxel_size: tuple[float, float]) -> Self:
        """The place of a slice.

        Args:
            plane: of it.
            shape: (H, W).
            voxel_size: in mm along both axes.
        """
        read, phase, _ = plane.directions
        steps = [(n - 1) / 2 - n // 2 for n in shape]
        centre = np.array(plane.position) + steps[0] * voxel_size[0] * read + steps[1] * voxel_size[1] * phase
        normal = np.cross(read, phase)
        return cls(centre, normal / np.linalg.norm(normal), max(voxel_size))

    def is_that_of(self, other: Self, thickness: float) -> bool:
        """Whether both show the same of the patient, whatever their pixels: planes apart by a tenth of the thickness at
        most, and centres by a pixel."""
        apart = other.centre - self.centre
        across = float(apart @ self.normal)
        within = np.linalg.norm(apart - across * self.normal)
        return bool(
            1 - abs(self.normal @ other.normal) <= _PARALLEL
            and abs(across) <= _THICKNESS * thickness
            and within <= max(self.pixel, other.pixel)
        )


@dataclass(frozen=True, eq=False)
class Template:
    """A series of DICOM.

    Attributes:
        folder: of its files.
        values: of patient, study and frame of reference, by their names; those that it has.
        places: of its pictures.
    """

    folder: Path
    values: Mapping[str, Any]
    places: tuple[Place, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The series in a folder, whose files may compress their pixels.

        Raises:
            InputError: there is no such folder, it holds no series of images that say where they lie, or several, or a
                file is damaged.
        """
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder; a template is the folder of a series of DICOM.")
        read = [_read(file) for file in sorted(folder.iterdir()) if _is_dicom(file)]
        found = [(said, lies) for said, lies in read if lies]
        places = [place for _, lies in found for place in lies]
        if not places:
            raise InputError(f"{folder} has no images of DICOM that say where they lie; give another template.")
        for name in _UIDS:
            identifiers = {str(said.get(name, "")) for said, _ in found}
            if len(identifiers) > 1 or not _is_uid(identifiers.copy().pop()):
                told = " and ".join(map(repr, sorted(identifiers)[:2]))
                raise InputError(f"{folder} has the {name} {told}; a template is one series of DICOM.")
        return cls(folder, {name: value for name, value in found[0][0].items() if name in _NAMES}, tuple(places))

    def check(self, name: str, geometry: Geometry) -> None:
        """Raise ``InputError`` unless it shows every slice of a result.

        Args:
            name: of the result.
            geometry: of the result, with planes.
        """
        assert geometry.planes is not None
        thickness = geometry.slice_thickness or 1.0
        for number, plane in enumerate(geometry.planes):
            own = Place.of(plane, geometry.shape, geometry.voxel_size)
            if not any(own.is_that_of(place, thickness) for place in self.places):
                place = ", ".join(f"{coordinate:.1f}" for coordinate in own.centre)
                raise InputError(
                    f"{self.folder} is of another geometry than {name}: none of its {len(self.places)} image(s) shows "
                    f"slice {number + 1} of {len(geometry.planes)}, whose centre is at ({place}) mm; give the series "
                    "of the same measurement."
                )


def _is_dicom(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as raw:
        return raw.read(_PREAMBLE + 4)[_PREAMBLE:] == b"DICM"


def _read(file: Path) -> tuple[dict[str, Any], list[Place]]:
    """What a file says, and where its pictures lie."""
    with read_as("DICOM", file):
        header = read_header(file)
        values = {name: header.get(name) for name in (*_NAMES, *_UIDS) if header.get(name) not in (None, "")}
        texts = {name: str(value) if name.endswith("Name") else value for name, value in values.items()}
        shape = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
        count = int(header.get("NumberOfFrames") or 1)
        places = [place for frame in range(count) if (place := _place(header, frame, shape)) is not None]
        return texts, places


def _place(header: Any, frame: int, shape: tuple[int, int]) -> Place | None:
    spacing = numbers_of(header, frame, "PixelMeasuresSequence", "PixelSpacing")
    if len(spacing) != 2 or not all(map(is_size, (*spacing, *shape))):
        return None
    height, width = spacing
    plane = plane_of(header, frame, shape, (height, width))
    return None if plane is None else Place.of(plane, shape, (height, width))


def _is_uid(text: str) -> bool:
    from pydicom.uid import UID

    return UID(text).is_valid
