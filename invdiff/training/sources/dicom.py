"""A folder of DICOM files."""

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from invdiff.data.formats import dicom
from invdiff.errors import InputError
from invdiff.files.damage import read_as
from invdiff.training.sources.base import Split
from invdiff.training.sources.folders import in_split
from invdiff.training.sources.volumes import LARGEST_BYTES, Volume, VolumeSource, check_stack

_PREAMBLE, _MAGIC = 128, b"DICM"
_SIGNED = {"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY"}
"""Images that are no magnitudes, as Image Type (PS3.3, C.8.3.1.1.1) and Complex Image Component call them."""


class DicomImages(VolumeSource):
    """Magnitude images of a folder of DICOM files, whatever their names, and of those below it.

    What belongs together is a stack: files of one series, size, orientation, echo time and kind, sorted along their
    normal. A file of many frames is a stack by itself. Files without pixels, and phases, are passed over.
    """

    kind: Literal["dicom"] = Field("dicom", description="DICOM files, of any names, without compression.")
    subjects: Literal["patient", "folder"] = Field(
        "patient",
        description="Who is never split: the `patient` that a file names, or the first `folder` below path.",
    )
    val_fraction: float | None = Field(
        0.1, gt=0, lt=1, description="Share of the subjects for validation; null where path is for one purpose alone."
    )
    least_content: float = Field(
        0.1, ge=0, le=1, description="Slices with a smaller fraction of pixels above a twentieth of white are left out."
    )

    def volumes(self, split: Split) -> Sequence[Volume]:
        stacks: dict[tuple[str, ...], list[_Image]] = defaultdict(list)
        damaged: list[Volume] = []
        for file in self._files():
            try:
                image = self._image(file)
            except InputError as error:
                damaged.append(_Damaged(file, str(error)))
                continue
            if image is not None:
                stacks[image.stack].append(image)
        if not stacks:
            first = (
                f": {damaged[0].complaint}" if damaged and isinstance(damaged[0], _Damaged) else "; give one that does."
            )
            raise InputError(f"{self.path} holds no magnitude image in DICOM{first}")
        chosen = in_split({images[0].subject for images in stacks.values()}, split, self.val_fraction)
        if not chosen:
            raise InputError(
                f"{self.path} holds one subject alone, which is for training; give others for validation, with "
                "val_fraction: null, or set subjects to folder where patients are not told apart."
            )
        return damaged + [
            _Stack(tuple(image.file for image in sorted(images, key=lambda image: image.place)))
            for _, images in sorted(stacks.items())
            if images[0].subject in chosen
        ]

    def _files(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        if not self.path.is_dir():
            raise InputError(f"{self.path} does not exist; give a folder of DICOM files.")
        found = (file for file in self.path.rglob("*") if not file.name.startswith(".") and file.is_file())
        return sorted(file for file in found if _is_dicom(file))

    def _image(self, file: Path) -> "_Image | None":
        """What a file says of its image; None where it holds none to train on."""
        if file.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{file} has {file.stat().st_size:,} bytes, more than is read at once; remove it.")
        with read_as("DICOM", file), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values that break the standard; those that matter are looked at
            header = dicom.read_header(file)
            kinds = [str(word).upper() for word in np.atleast_1d(header.get("ImageType") or []).tolist()]
            component = str(header.get("ComplexImageComponent") or "").upper()
            if "Rows" not in header and not {"SOPClassUID", "DirectoryRecordSequence"} & set(header.dir()):
                raise InputError(
                    f"{file} holds neither an image nor what else DICOM knows; it is damaged or cut short."
                )
            if "Rows" not in header or _SIGNED & {*kinds[2:], component}:
                return None
            folders = file.relative_to(self.path).parts[:-1] if file != self.path else ()
            folder = folders[0] if folders else ""
            patient = str(header.get("PatientID") or "").strip() if self.subjects == "patient" else ""
            series = str(header.get("SeriesInstanceUID") or file.parent)
            number = int(header.get("InstanceNumber") or 0)
            if int(header.get("NumberOfFrames") or 1) > 1:
                return _Image(file, patient or folder, (series, str(file)), (0.0, number, file.name))
            position, orientation = (
                dicom.numbers_of(header, 0, f"Plane{what}Sequence", f"Image{what}Patient")
                for what in ("Position", "Orientation")
            )
            place = 0.0
            if len(position) == 3 and len(orientation) == 6:
                place = float(np.cross(orientation[:3], orientation[3:]) @ np.array(position))
            direction = np.round(orientation, 2) + 0.0  # such that -0 is 0
            shape = f"{int(header.Rows)} x {int(header.Columns)}"
            stack = (patient or folder, series, shape, str(direction), str(header.get("EchoTime")), "/".join(kinds))
            return _Image(file, patient or folder, stack, (place, number, file.name))


def _is_dicom(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(_PREAMBLE + len(_MAGIC))[_PREAMBLE:] == _MAGIC
    except OSError:
        return False


@dataclass(frozen=True)
class _Image:
    """A file: who is in it, to which stack it belongs, and where in it."""

    file: Path
    subject: str
    stack: tuple[str, ...]
    place: tuple[float, int, str]


@dataclass(frozen=True)
class _Damaged(Volume):
    """A file that nothing is known of, so that it is complained of in every split."""

    path: Path
    complaint: str

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self, which: slice = slice(None)) -> NDArray[Any]:
        raise InputError(self.complaint)


@dataclass(frozen=True)
class _Stack(Volume):
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        if len(self.files) == 1:
            return str(self.files[0])
        return f"The series of {len(self.files)} files with {self.files[0]}"

    def read(self, which: slice = slice(None)) -> NDArray[Any]:
        if len(self.files) == 1:
            return _frames(self.files[0])[which]
        first, *others = self.files[which]
        frames = _frames(first)
        check_stack((1 + len(others), *frames.shape[1:]), frames.dtype, self.name)
        return np.concatenate([frames, *map(_frames, others)])


def _frames(file: Path) -> NDArray[np.float32]:
    with read_as("DICOM", file):
        frames = dicom.read(file)
        check_stack(frames.shape, np.dtype(np.float32), str(file))
        with np.errstate(over="ignore"):
            return frames.astype(np.float32)
