"""The magnitude as a series of DICOM, one file a slice (PS3.3, A.4 MR image)."""

import hashlib
import uuid
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from invdiff.data.geometry import Geometry
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.pictures import white_of
from invdiff.reconstruction.writers.description import derivation, software, title
from invdiff.reconstruction.writers.dicom_template import Template
from invdiff.reconstruction.written_result import WrittenResult

_MOST = 2**16 - 1
_ORTHOGONAL = 1e-3  # of the cosine between the directions of rows and columns
_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber", "PositionReferenceIndicator", "PatientPosition", "ScanOptions", "MRAcquisitionType",
    "RepetitionTime", "EchoTime", "EchoTrainLength",
)  # fmt: skip
"""What the standard wants to be there and lets be empty (type 2), and no result knows."""


def write(result: WrittenResult, path: Path, template: Path | None = None) -> tuple[str, ...]:
    """Write a folder of files such as ``0007.dcm``, by the numbers of slices in the file that was reconstructed.

    Pixels are whole numbers of 16 bits, which one slope for the series turns into the units of the result, and one
    window shows from zero to the 99.9th percentile. Positions are those of the geometry, in mm towards left, posterior
    and superior, of the centre of the first pixel; rows of pixels follow each other along the readout. The image is
    derived and secondary. Its identifiers are made of what is written (PS3.5, B.2): the same result has the same ones.

    Args:
        result: to be written.
        path: of the folder.
        template: a folder with a series of DICOM of the same measurement, whose patient, study and frame of reference
            are those of the result. Without, nothing is said of a patient.

    Raises:
        InputError: nothing tells where slices lie, the template shows other ones or is none, or the result is damaged.
    """
    path.mkdir()
    for name, image in zip(result.slice_names, slices_of(result, template), strict=True):
        image.save_as(path / f"{name}.dcm", enforce_file_format=True)
    return ()


def slices_of(result: WrittenResult, template: Path | None) -> list[Any]:
    """The data set of every slice.

    Raises:
        InputError: as `write`.
    """
    from pydicom.valuerep import DSfloat

    geometry = placed(str(result.path), result.geometry)
    like = None if template is None else fitting_template(template, str(result.path), geometry)
    magnitudes = np.abs(result.image)
    slope = DSfloat(float(magnitudes.max()) / _MOST or 1.0, auto_format=True)
    pixels = np.minimum(magnitudes / slope, _MOST).round().astype("<u2")
    white = white_of(magnitudes)
    common = _common(result, like)
    common.RescaleSlope, common.RescaleIntercept, common.RescaleType = slope, 0, "US"
    common.WindowCenter, common.WindowWidth = DSfloat(white / 2, auto_format=True), DSfloat(white, auto_format=True)
    common.VOILUTFunction = "LINEAR_EXACT"  # any other wants windows wider than one, and units may be tiny
    return [_slice(common, geometry, k, pixels[k]) for k in range(len(pixels))]


def fitting_template(folder: Path, name: str, geometry: Geometry | None) -> Template:
    """The series in a folder, if it shows what is reconstructed.

    Args:
        folder: of the series.
        name: of what is reconstructed.
        geometry: of its images.

    Raises:
        InputError: as `write`.
    """
    from pydicom.dataset import Dataset

    found = Template.read(folder)
    found.check(name, placed(name, geometry))
    set_values(Dataset(), dict(found.values), folder)
    return found


def placed(name: str, geometry: Geometry | None) -> Geometry:
    """The geometry of images, with planes.

    Args:
        name: of what they are of.
        geometry: as far as it is known.

    Raises:
        InputError: nothing tells where slices lie, or rows and columns are not at right angles.
    """
    if geometry is None or geometry.planes is None:
        raise InputError(
            f"{name} does not tell where its slices lie, so nobody could tell left from right in DICOM; save "
            "NIfTI (nifti), which says that it does not know, or reconstruct a scan of known geometry."
        )
    if any(abs(plane.directions[0] @ plane.directions[1]) > _ORTHOGONAL for plane in geometry.planes):
        raise InputError(
            f"{name} has rows and columns that are not at right angles, which DICOM can't say; save NIfTI."
        )
    return geometry


def identifier(*what: object) -> str:
    """The UID that is made of arrays and of what else can be said in words, and of nothing else."""
    digest = hashlib.sha256(digest_of(*what).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def set_values(image: Any, values: dict[str, Any], where: object) -> None:
    """Give a data set values by their names.

    Raises:
        InputError: one is none that the standard allows.
    """
    for name, value in values.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                setattr(image, name, value)
            except (TypeError, UserWarning, ValueError) as error:
                raise InputError(
                    f"{where} has a {name} that DICOM does not allow; mend it, or leave it out."
                ) from error


def _common(result: WrittenResult, template: Template | None) -> Any:
    """What all slices have in common."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    image: Any = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SpecificCharacterSet = "ISO_IR 192"  # UTF-8
    for name in _EMPTY:
        setattr(image, name, None)
    decided = (result.image, result.geometry, derivation(result))
    image.StudyInstanceUID = identifier("study", *decided)
    image.FrameOfReferenceUID = identifier("frame of reference", *decided)
    if template is not None:
        set_values(image, dict(template.values), template.folder)
    image.SeriesInstanceUID = identifier("series", image.StudyInstanceUID, image.FrameOfReferenceUID, *decided)
    image.SOPClassUID, image.Modality, image.SeriesNumber = MRImageStorage, "MR", 1
    image.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    image.SeriesDescription, image.DerivationDescription = title(result, "magnitude"), derivation(result)
    image.Manufacturer, image.ManufacturerModelName = "invdiff", "invdiff"
    image.SoftwareVersions = software(result)
    image.ScanningSequence, image.SequenceVariant = "RM", "NONE"  # a research mode: which, nobody told
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    image.LossyImageCompression = "00"
    return image


def _slice(common: Any, geometry: Geometry, k: int, pixels: np.ndarray[Any, np.dtype[np.uint16]]) -> Any:
    from pydicom.valuerep import DSfloat

    assert geometry.planes is not None
    image, (height, width), plane = deepcopy(common), geometry.voxel_size, geometry.planes[k]
    read, phase, _ = plane.directions
    shape = pixels.shape
    first = np.array(plane.position) - read * height * (shape[0] // 2) - phase * width * (shape[1] // 2)
    image.Rows, image.Columns = shape
    image.PixelSpacing = [DSfloat(size, auto_format=True) for size in (height, width)]
    image.SliceThickness = (
        None if geometry.slice_thickness is None else DSfloat(geometry.slice_thickness, auto_format=True)
    )
    image.ImagePositionPatient = [DSfloat(float(number), auto_format=True) for number in first]
    image.ImageOrientationPatient = [DSfloat(float(number), auto_format=True) for number in (*phase, *read)]
    image.InstanceNumber = k + 1
    image.SOPInstanceUID = identifier(image.SeriesInstanceUID, k)
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.PixelData = pixels.tobytes()
    return image
