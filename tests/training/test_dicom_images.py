import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, MRImageStorage

from invdiff.errors import InputError
from invdiff.training import DicomImages

Y, X = np.mgrid[-1:1:12j, -1:1:14j]
HEAD = np.exp(-(X**2 + Y**2))
NUMBERS = itertools.count(1000)


def write(folder: Path, place: int = 0, *, patient: str = "a", series: str = "1.2", **changes: Any) -> Path:
    """A slice whose brightest pixel is 100 + its place."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MRImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    image = pydicom.Dataset()
    image.file_meta = meta
    image.PatientID, image.SeriesInstanceUID, image.InstanceNumber = patient, series, 1
    image.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    image.Rows, image.Columns = HEAD.shape
    image.BitsAllocated = image.BitsStored = 16
    image.SamplesPerPixel, image.PixelRepresentation, image.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    image.PixelSpacing, image.EchoTime = [1, 1], 10
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, place], [1, 0, 0, 0, 1, 0]
    image.PixelData = np.round((100 + place) * HEAD / HEAD.max()).astype("<u2").tobytes()
    for name, value in changes.items():
        setattr(image, name, value)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"IM{next(NUMBERS)}"  # no suffix, as scanners export
    image.save_as(path, enforce_file_format=True)
    return path


def stacks(folder: Path, **fields: Any) -> list[list[float]]:
    """The brightest pixel of each slice of each stack."""
    volumes = DicomImages(path=folder, val_fraction=None, least_content=0, **fields).volumes("train")
    return sorted([float(image.max()) for image in volume.read()] for volume in volumes)


def test_slices_are_sorted_along_their_normal_whatever_their_names(tmp_path: Path) -> None:
    for place in (3, 0, 2, 1):
        write(tmp_path, place)
    assert stacks(tmp_path) == [[100, 101, 102, 103]]
    read = DicomImages(path=tmp_path, val_fraction=None).volumes("train")[0]
    np.testing.assert_array_equal(read.read(slice(2, 3))[0], read.read()[2])


def test_slices_of_a_sagittal_stack_are_sorted_along_theirs(tmp_path: Path) -> None:
    for place in (3, 0, 2, 1):
        write(tmp_path, place, ImagePositionPatient=[place, 5, 5], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    assert stacks(tmp_path) == [[103, 102, 101, 100]]  # the normal, row x column, points to -x


@pytest.mark.parametrize(
    "other",
    [
        {"series": "1.3"},
        {"patient": "b"},
        {"EchoTime": 20},
        {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]},
        {"ImageType": ["DERIVED", "PRIMARY", "M"]},
        {"Rows": 6, "Columns": 28},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_does_not_belong_together_is_two_stacks(tmp_path: Path, other: dict[str, Any]) -> None:
    write(tmp_path, 0)
    write(tmp_path, 1, **other)
    assert stacks(tmp_path) == [[100], [101]]


def test_phases_reports_and_other_files_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 0)
    write(tmp_path, 1, ImageType=["ORIGINAL", "PRIMARY", "P", "ND"])
    write(tmp_path, 2, ComplexImageComponent="PHASE")
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "DICOMDIR").write_bytes(b"")
    report = pydicom.dcmread(write(tmp_path, 3))
    del report.Rows, report.PixelData
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID
    report.save_as(tmp_path / "report")
    for path in tmp_path.glob("IM*"):
        if pydicom.dcmread(path).ImagePositionPatient[2] == 3:
            path.unlink()
    assert stacks(tmp_path) == [[100]]


def test_a_file_of_many_frames_is_a_stack(tmp_path: Path) -> None:
    pixels = np.stack([HEAD * 10, HEAD * 20]).astype("<u2")
    write(tmp_path, NumberOfFrames=2, PixelData=pixels.tobytes())
    assert stacks(tmp_path) == [[float(pixels[0].max()), float(pixels[1].max())]]


def subjects(folder: Path, split: str, **fields: Any) -> set[float]:
    volumes = DicomImages(path=folder, val_fraction=0.4, **fields).volumes(split)
    return {float(volume.read().max()) for volume in volumes}


def test_no_patient_is_in_two_splits(tmp_path: Path) -> None:
    for place in range(5):
        for series in ("1", "2"):
            write(tmp_path / f"visit{series}", place, patient=f"p{place}", series=f"1.{place}.{series}")
    train, val = subjects(tmp_path, "train"), subjects(tmp_path, "val")
    assert len(train) == 3
    assert len(val) == 2
    assert not train & val


def test_folders_are_subjects_where_patients_are_not_told_apart(tmp_path: Path) -> None:
    for place in range(5):
        write(tmp_path / f"person{place}" / "t1", place, patient="ANON", series=f"1.{place}")
    with pytest.raises(InputError, match="set subjects to folder"):
        subjects(tmp_path, "val")
    assert len(subjects(tmp_path, "val", subjects="folder")) == 2


def test_a_sort_by_name_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (3, 0, 2, 1):
        write(tmp_path, place)
    image = DicomImages._image
    monkeypatch.setattr(DicomImages, "_image", lambda self, file: replace(image(self, file), place=(0.0, 0, file.name)))
    assert stacks(tmp_path) == [[103, 100, 102, 101]]


def compressed(path: Path) -> None:
    image = pydicom.dcmread(path)
    image.file_meta.TransferSyntaxUID = JPEG2000Lossless
    image.PixelData = pydicom.encaps.encapsulate([bytes(16)])
    image["PixelData"].is_undefined_length = True
    image.save_as(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def declares(path: Path) -> None:
    image = pydicom.dcmread(path)
    image.Rows = image.Columns = 60_000
    image.save_as(path)


def no_length(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:140] + b"\xff" * 20)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("harm", [compressed, cut, declares, no_length])
def test_files_that_are_not_read_are_left_out_in_a_sentence(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    write(tmp_path, 0)
    bad = write(tmp_path, 1, series="1.9")
    harm(bad)
    source = DicomImages(path=tmp_path, val_fraction=None, least_content=0)
    with pytest.warns(UserWarning, match=rf"Left out: .*{bad.name}"):
        assert len(source.read("train")) == 1
    with pytest.raises(InputError, match=bad.name):
        source.read("train", strict=True)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="holds no magnitude image in DICOM"):
        DicomImages(path=tmp_path).read("train")
    with pytest.raises(InputError, match="does not exist"):
        DicomImages(path=tmp_path / "missing").read("train")
