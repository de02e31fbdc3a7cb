"""Where images of NIfTI and DICOM lie, and what becomes of it in a simulated scan."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.cli import main
from invdiff.data import Geometry, read_geometry, read_image, read_picture, read_scan
from invdiff.errors import InputError

pydicom = pytest.importorskip("pydicom")
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage  # noqa: E402

VOLUME = np.arange(1, 61, dtype=np.int16).reshape(3, 5, 4)
AXIAL = [1, 0, 0, 0, 1, 0]
Seeds = st.integers(0, 2**32 - 1)


def random_affine(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = q * rng.uniform(0.3, 6, 3), rng.uniform(-200, 200, 3)
    return affine


# NIfTI


def nifti(path: Path, affine: np.ndarray, volume: np.ndarray = VOLUME, **header: Any) -> Path:
    image = nibabel.Nifti1Image(volume.transpose(1, 2, 0) if volume.ndim == 3 else volume, affine)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


@settings(max_examples=25)
@given(Seeds, st.sampled_from([".nii", ".nii.gz"]))
def test_the_affine_of_nifti_is_kept(tmp_path_factory: pytest.TempPathFactory, seed: int, suffix: str) -> None:
    affine = random_affine(seed)
    path = nifti(tmp_path_factory.mktemp("nifti") / f"a{suffix}", affine)
    found = read_geometry(path)
    assert found is not None
    assert (found.shape, len(found.planes or ())) == ((5, 4), 3)
    np.testing.assert_allclose(found.affine, affine, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.voxel_size, np.linalg.norm(affine[:3, :2], axis=0), rtol=1e-5)
    assert read_picture(path).geometry == found


@settings(max_examples=25)
@given(Seeds, st.sampled_from(["transposed", "left for right"]))
def test_a_broken_affine_of_nifti_is_found(tmp_path_factory: pytest.TempPathFactory, seed: int, broken: str) -> None:
    affine = random_affine(seed)
    other = affine[:, [1, 0, 2, 3]] if broken == "transposed" else np.diag([-1, 1, 1, 1]) @ affine
    found = read_geometry(nifti(tmp_path_factory.mktemp("nifti") / "a.nii", other))
    assert found is not None
    assert not np.allclose(found.affine, affine, atol=1e-3)


def test_units_of_nifti(tmp_path: Path) -> None:
    affine = np.diag([2.0, 3, 5, 1])
    for code, mm in ((2, 1), (1, 1000), (3, 0.001), (0, 1), (2 + 8, 1), (7, 1)):
        found = read_geometry(nifti(tmp_path / "a.nii", affine, xyzt_units=code))
        assert found is not None
        np.testing.assert_allclose(found.voxel_size, (2 * mm, 3 * mm))


def test_nifti_without_a_place_has_sizes_alone(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", np.diag([2.0, 3, 5, 1]))
    content = bytearray(path.read_bytes())
    content[252:256] = bytes(4)  # qform_code and sform_code
    path.write_bytes(content)
    assert read_geometry(path) == Geometry((5, 4), (10.0, 12.0), 5.0)
    content[80:84] = bytes(4)  # the first of pixdim
    path.write_bytes(content)
    assert read_geometry(path) is None
    assert read_picture(path).geometry is None


def test_nifti_of_a_slice_and_of_singletons(tmp_path: Path) -> None:
    for volume in (VOLUME[0], VOLUME[:1], VOLUME[0][:, :, None, None]):
        found = read_geometry(nifti(tmp_path / "a.nii", np.diag([2.0, 3, 5, 1]), volume))
        assert found is not None
        assert len(found.planes or ()) == len(read_picture(tmp_path / "a.nii").image) == 1


# DICOM


def dicom(path: Path, pixels: np.ndarray = VOLUME[:1], syntax: Any = ExplicitVRLittleEndian, **values: Any) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = syntax, MRImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    image = Dataset()
    image.file_meta = meta
    bits = 8 * pixels.dtype.itemsize
    said = {
        "NumberOfFrames": len(pixels),
        "Rows": pixels.shape[1],
        "Columns": pixels.shape[2],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes() + b"\0" * (pixels.nbytes % 2),
    }
    for name, value in {**said, **values}.items():
        if value is not None:
            setattr(image, name, value)
    image.save_as(path, enforce_file_format=True)
    return path


def frames(**names: list[Any]) -> list[Dataset]:
    """Functional groups, one for each frame: of each group and attribute, ``group__name``, its values."""
    found = []
    for values in zip(*names.values(), strict=True):
        frame = Dataset()
        for name, value in zip(names, values, strict=True):
            group, attribute = name.split("__")
            item = Dataset()
            setattr(item, attribute, value)
            setattr(frame, group, [item])
        found.append(frame)
    return found


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("dtype", ["<u1", "<i1", "<u2", "<i2", "<u4", "<i4"])
def test_pixels_of_dicom(tmp_path: Path, dtype: str, syntax: Any) -> None:
    pixels = (VOLUME - (30 if dtype[1] == "i" else 0)).astype(dtype)
    for some in (pixels, pixels[:1]):
        path = dicom(tmp_path / "a.dcm", some, syntax, NumberOfFrames=len(some) if len(some) > 1 else None)
        np.testing.assert_array_equal(read_image(path), some)
    np.testing.assert_array_equal(read_image(dicom(tmp_path / "a.dcm", pixels), [2, 0]), pixels[[2, 0]])


def test_values_of_dicom(tmp_path: Path) -> None:
    scaled = read_image(dicom(tmp_path / "a.dcm", RescaleSlope=0.5, RescaleIntercept=-3))
    np.testing.assert_array_equal(scaled, 0.5 * VOLUME[:1] - 3)
    dark = read_image(dicom(tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(dark, VOLUME[:1].max() - VOLUME[:1])
    overlaid = (VOLUME[:1].astype(np.uint16) | 0x9000).astype(np.uint16)  # in bits that are not the pixels'
    found = read_image(dicom(tmp_path / "a.dcm", overlaid, BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(found, VOLUME[:1])
    twelve = (np.array([[[-5, 7], [0, -2048]]]) & 0xFFF).astype(np.uint16)
    found = read_image(dicom(tmp_path / "a.dcm", twelve, BitsStored=12, HighBit=11, PixelRepresentation=1))
    np.testing.assert_array_equal(found, [[[-5, 7], [0, -2048]]])
    each = frames(PixelValueTransformationSequence__RescaleSlope=[1, 2, 3])
    found = read_image(dicom(tmp_path / "a.dcm", VOLUME, PerFrameFunctionalGroupsSequence=each))
    np.testing.assert_array_equal(found, VOLUME * np.array([1, 2, 3])[:, None, None])


@settings(max_examples=25)
@given(Seeds)
def test_dicom_lies_where_its_first_pixel_and_its_directions_say(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """PS3.3 C.7.6.2.1.1: P = S + X dx i + Y dy j, with column index i along the first direction, in LPS."""
    rng = np.random.default_rng(seed)
    (along_row, along_column, _), first = np.linalg.qr(rng.standard_normal((3, 3)))[0], rng.uniform(-99, 99, 3)
    spacing, thickness = rng.uniform(0.3, 3, 2), 4.0
    numbers = {
        "PixelSpacing": [f"{s:.10g}" for s in spacing],
        "ImagePositionPatient": [f"{n:.10g}" for n in first],
        "ImageOrientationPatient": [f"{n:.10g}" for n in (*along_row, *along_column)],
    }
    path = dicom(tmp_path_factory.mktemp("dicom") / "a.dcm", SliceThickness=thickness, **numbers)
    found = read_geometry(path)
    assert found is not None
    assert found.affine is not None
    for row, column in ((0, 0), (4, 0), (2, 3)):
        lps = first + along_row * spacing[1] * column + along_column * spacing[0] * row
        np.testing.assert_allclose((found.affine @ (row, column, 0, 1))[:3], lps * (-1, -1, 1), atol=1e-6)
    across = np.cross(along_row, along_column) * thickness
    np.testing.assert_allclose(found.affine[:3, 2], across * (-1, -1, 1), atol=1e-6)
    np.testing.assert_allclose(found.voxel_size, spacing)
    assert read_picture(path).geometry == found


def test_frames_of_dicom_lie_where_each_says(tmp_path: Path) -> None:
    own = frames(PlanePositionSequence__ImagePositionPatient=[[1, 2, 7 * k] for k in range(3)])
    (shared,) = frames(
        PixelMeasuresSequence__PixelSpacing=[[2, 3]], PlaneOrientationSequence__ImageOrientationPatient=[AXIAL]
    )
    path = dicom(
        tmp_path / "a.dcm", VOLUME, PerFrameFunctionalGroupsSequence=own, SharedFunctionalGroupsSequence=[shared]
    )
    found = read_geometry(path)
    assert found is not None
    assert [plane.position for plane in found.planes or ()] == [(1 + 2 * 3, 2 + 2 * 2, 7 * k) for k in range(3)]
    assert found.affine is not None
    np.testing.assert_allclose(found.affine[:3, 2], [0, 0, 7])
    third = read_geometry(path, [2])
    assert third is not None
    assert third.planes == (found.planes or ())[2:]


@pytest.mark.parametrize(
    ("values", "planes"),
    [
        ({}, None),
        ({"PixelSpacing": [0, 1]}, None),
        ({"PixelSpacing": [1, 1], "SliceThickness": 0}, False),
        ({"PixelSpacing": [1, 1], "ImagePositionPatient": [0, 0, 0]}, False),
        ({"PixelSpacing": [1, 1], "ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": [0] * 6}, False),
        ({"PixelSpacing": [1, 1], "ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": AXIAL}, True),
    ],
)
def test_dicom_that_tells_little(tmp_path: Path, values: dict[str, Any], planes: bool | None) -> None:
    path = dicom(tmp_path / "a.dcm", **values)
    found = read_geometry(path)
    assert (found is None) == (planes is None)
    assert found is None or (found.planes is not None) == planes
    np.testing.assert_array_equal(read_image(path), VOLUME[:1])


def test_frames_of_different_pixels_have_no_geometry(tmp_path: Path) -> None:
    each = frames(PixelMeasuresSequence__PixelSpacing=[[1, 1], [1, 1], [1, 2]])
    assert read_geometry(dicom(tmp_path / "a.dcm", VOLUME, PerFrameFunctionalGroupsSequence=each)) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"NumberOfFrames": 10**9}, r"declares 1000000000 frame\(s\) of 5 x 4, which its 40 bytes of pixels can't be"),
        ({"NumberOfFrames": 10**9, "BitsAllocated": 0}, "can't be; it is damaged"),
        ({"Rows": 60000, "Columns": 60000}, "can't be; it is damaged or cut short"),
        ({"Rows": 0}, "can't be"),
        ({"PixelData": None}, "its 0 bytes of pixels can't be"),
        ({"Rows": None}, "can't be read as an image"),
    ],
)
def test_dicom_that_declares_more_than_it_holds_is_refused(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    path = dicom(tmp_path / "a.dcm", **values)
    for read in (read_image, read_geometry):
        with pytest.raises(InputError, match=words):
            read(path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"SamplesPerPixel": 3}, r"holds 3 sample\(s\) a pixel"),
        ({"BitsAllocated": 12}, "of 16 bits in 12; one grey value"),
        ({"BitsStored": 17}, "of 17 bits in 16"),
    ],
)
def test_dicom_of_other_pixels_is_refused(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    path = dicom(tmp_path / "a.dcm", **values)
    with pytest.raises(InputError, match=words):
        read_image(path)


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2.1.99",  # deflated: it unfolds while it is read
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.5",
        "1.2.3",
    ],
)
def test_compressed_dicom_is_refused_before_it_is_read(tmp_path: Path, syntax: str) -> None:
    path = dicom(tmp_path / "a.dcm")
    plain, other = ExplicitVRLittleEndian.encode(), syntax.encode()
    content = path.read_bytes()
    place = content.index(plain)
    length = len(plain) + len(plain) % 2
    padded = other + b"\0" * (len(other) % 2)
    start = place - 8
    grown = int.from_bytes(content[140:144], "little") + len(padded) - length
    head = content[:140] + grown.to_bytes(4, "little") + content[144 : start + 6]
    path.write_bytes(head + len(padded).to_bytes(2, "little") + padded + content[place + length :])
    for read in (read_image, read_geometry):
        with pytest.raises(
            InputError, match=f"is DICOM of transfer syntax {syntax}; little-endian without compression"
        ):
            read(path)


# Simulation


@pytest.mark.parametrize("kind", ["nifti", "dicom"])
def test_simulate_carries_it(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = np.random.default_rng(0).integers(1, 99, (3, 24, 20)).astype(np.int16)
    own = frames(PlanePositionSequence__ImagePositionPatient=[[1, 2, 7 * k] for k in range(3)])
    image = (
        nifti(tmp_path / "a.nii.gz", random_affine(1), volume)
        if kind == "nifti"
        else dicom(
            tmp_path / "a.dcm",
            volume,
            PixelSpacing=[2, 3],
            ImageOrientationPatient=AXIAL,
            PerFrameFunctionalGroupsSequence=own,
        )
    )
    arguments = [
        "invdiff",
        "simulate",
        str(image),
        "--out",
        str(tmp_path / "scan.h5"),
        "--slice",
        "1",
        "--slice",
        "2",
    ]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as exit_:
        main()
    assert not exit_.value.code
    whole = read_geometry(image)
    assert whole is not None
    assert read_scan(tmp_path / "scan.h5").geometry == whole.select([1, 2])
