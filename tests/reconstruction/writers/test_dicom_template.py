"""Results whose patient and study are those of another series of DICOM."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from invdiff.data import Geometry
from invdiff.errors import InputError
from invdiff.reconstruction.writers import WayOut, ways_out
from tests.reconstruction.writers.results import Marked, marked, written

NAMES = {
    "PatientName": "Müller^Zoë",
    "PatientID": "17",
    "PatientBirthDate": "19700102",
    "StudyDate": "20240102",
    "AccessionNumber": "A1",
    "StudyInstanceUID": "1.2.3",
    "FrameOfReferenceUID": "1.2.4",
    "SeriesInstanceUID": "1.2.5",
}
ONE = marked(5)


def exported(one: Marked, folder: Path, template: Path | None = None, name: str = "out") -> list[Any]:
    made = replace(WayOut.named(f"dicom={folder / name}"), template=template).export(written(one, folder))
    return [pydicom.dcmread(path) for path in made.files]


def template(folder: Path, one: Marked = ONE, **values: Any) -> Path:
    """A series of the same slices as a scanner writes it, of a patient."""
    for image in exported(one, folder, name="template"):
        for name, value in {**NAMES, "SpecificCharacterSet": "ISO_IR 100", **values}.items():
            setattr(image, name, value)
        image.save_as(folder / "template" / f"{image.InstanceNumber:04d}.dcm")
    for path in (folder / "template").glob("000[789].dcm"):
        path.unlink()
    (folder / "template" / "DICOM.txt").write_text("something else")
    return folder / "template"


def test_patient_and_study_are_those_of_the_template(tmp_path: Path) -> None:
    for image in exported(ONE, tmp_path, template(tmp_path)):
        for name, value in NAMES.items():
            assert (image[name].value == value) == (name != "SeriesInstanceUID"), name
        assert image.PatientSex is None or image.PatientSex == ""


def test_the_images_are_the_same_with_a_template(tmp_path: Path) -> None:
    with_one, without = exported(ONE, tmp_path, template(tmp_path)), exported(ONE, tmp_path, name="without")
    for one, other in zip(with_one, without, strict=True):
        assert one.PixelData == other.PixelData
        assert one.ImagePositionPatient == other.ImagePositionPatient
        assert one.SOPInstanceUID != other.SOPInstanceUID


def moved(**changes: Any) -> Marked:
    geometry = ONE.result.geometry
    assert geometry is not None
    return replace(ONE, result=replace(ONE.result, geometry=replace(geometry, **changes)))


def shifted(along: int, part: float) -> Marked:
    """By parts of a slice's thickness along one of its directions."""
    geometry = ONE.result.geometry
    assert geometry is not None
    planes = geometry.planes or ()
    step = part * (geometry.slice_thickness or 0) * planes[0].directions[along]
    return moved(planes=tuple(replace(plane, position=tuple(np.array(plane.position) + step)) for plane in planes))


def turned(degrees: float) -> Marked:
    geometry = ONE.result.geometry
    assert geometry is not None
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def turn(plane: Any) -> Any:
        read, _, across = plane.directions
        return replace(plane, read=tuple(c * read + s * across), slice=tuple(c * across - s * read))

    return moved(planes=tuple(map(turn, geometry.planes or ())))


@pytest.mark.parametrize(
    "other",
    [shifted(2, 0.2), shifted(0, 9.0), shifted(1, -9.0), turned(3), moved(planes=marked(6).result.geometry.planes)],
    ids=["across", "along rows", "along columns", "turned", "another"],
)
def test_a_template_of_another_geometry_is_refused(tmp_path: Path, other: Marked) -> None:
    with pytest.raises(InputError, match="is of another geometry than"):
        exported(other, tmp_path, template(tmp_path))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("other", [shifted(2, 0.05), turned(0.3)], ids=["rounded", "turned a little"])
def test_what_differs_by_rounding_is_the_same(tmp_path: Path, other: Marked) -> None:
    assert len(exported(other, tmp_path, template(tmp_path))) == 3


def test_other_pixels_of_the_same_slices_are_the_same_geometry(tmp_path: Path) -> None:
    """Scanners interpolate, and let rows follow each other in the direction of columns."""
    geometry = ONE.result.geometry
    assert geometry is not None
    (height, width), (side, other) = geometry.shape, geometry.field_of_view

    def seen(plane: Any) -> Any:
        read, phase, _ = plane.directions
        half = (side / height * (height % 2 - 1) * read + other / width * (width % 2 - 1) * phase) / 2
        fine = (other / width / 2 * phase + side / height / 2 * read) / 2
        return replace(
            plane, position=tuple(np.array(plane.position) + half + fine), read=plane.phase, phase=plane.read
        )

    whole = Geometry(
        (2 * width, 2 * height), (other, side), geometry.slice_thickness, planes=tuple(map(seen, geometry.planes or ()))
    )
    image = np.ones((3, 2 * width, 2 * height), np.complex64)
    fine = replace(ONE.result, samples=image[:, None], zero_filled=image, estimate=image, geometry=whole)
    assert len(exported(ONE, tmp_path, template(tmp_path, replace(ONE, result=fine)))) == 3


def test_some_slices_of_a_series_are_enough(tmp_path: Path) -> None:
    folder = template(tmp_path)
    (folder / "0003.dcm").unlink()
    with pytest.raises(InputError, match=r"none of its 2 image\(s\) shows slice 3 of 3"):
        exported(ONE, tmp_path, folder)
    geometry = ONE.result.geometry
    assert geometry is not None
    two = replace(
        ONE.result,
        samples=ONE.result.samples[:2],
        zero_filled=ONE.result.zero_filled[:2],
        estimate=ONE.result.image[:2],
        geometry=geometry.select([0, 1]),
        attributes={},
    )
    assert len(exported(replace(ONE, result=two), tmp_path, folder)) == 2


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"StudyInstanceUID": "1.2.x"}, "has the StudyInstanceUID '1.2.x'"),
        ({"FrameOfReferenceUID": None}, "has the FrameOfReferenceUID ''"),
        ({"StudyDate": "yesterday"}, "StudyDate that DICOM does not allow"),
        ({"ImagePositionPatient": None}, "no images of DICOM that say where they lie"),
        ({"PixelSpacing": None}, "no images of DICOM that say where they lie"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # of pydicom, at the making of them
def test_templates_that_are_none(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        exported(ONE, tmp_path, template(tmp_path, **values))


def test_a_folder_of_several_series_is_none(tmp_path: Path) -> None:
    folder = template(tmp_path)
    image = pydicom.dcmread(folder / "0001.dcm")
    image.SeriesInstanceUID = "1.2.99"
    image.save_as(folder / "0001.dcm")
    with pytest.raises(InputError, match=r"SeriesInstanceUID '1\.2\.5' and '1\.2\.99'; a template is one series"):
        exported(ONE, tmp_path, folder)


def test_files_that_are_packed(tmp_path: Path) -> None:
    folder = template(tmp_path)
    image = pydicom.dcmread(folder / "0001.dcm")
    image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    image.save_as(folder / "0001.dcm")
    with pytest.raises(InputError, match="is compressed as a whole"):
        exported(ONE, tmp_path, folder)
    for nowhere in ("nowhere", "reconstruction.h5"):
        with pytest.raises(InputError, match="is no folder"):
            exported(ONE, tmp_path, tmp_path / nowhere)


def test_formats_that_name_no_patient_take_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no patient or study"):
        replace(WayOut.named("nifti"), template=tmp_path)
    with pytest.raises(InputError, match="which DICOM takes and nothing else"):
        ways_out(["nifti", "npy"], tmp_path)
    ways = ways_out(["nifti", "dicom", "npy"], tmp_path)
    assert [way.template for way in ways] == [None, tmp_path, None]
