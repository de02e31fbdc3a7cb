"""Results as DICOM, read by pydicom."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import Geometry, read_geometry, read_image
from invdiff.errors import InputError
from invdiff.reconstruction import Reconstruction
from invdiff.reconstruction.writers import WayOut
from tests.reconstruction.writers.results import Made, Marked, marked, mirrored, written


def series(one: Marked | Reconstruction, folder: Path, template: Path | None = None, name: str = "out") -> list[Any]:
    """The data sets of it."""
    exported = replace(WayOut.named(f"dicom={folder / name}"), template=template).export(written(one, folder))
    return [pydicom.dcmread(path) for path in exported.files]


def pixels(image: Any) -> np.ndarray:
    return image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)


def found(images: list[Any]) -> np.ndarray:
    """Where the brightest pixel lies, by PS3.3, C.7.6.2.1.1."""
    image = max(images, key=lambda one: pixels(one).max())
    row, column = np.unravel_index(np.argmax(pixels(image)), image.pixel_array.shape)
    along_row, along_column = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
    height, width = map(float, image.PixelSpacing)
    return np.array(image.ImagePositionPatient, float) + along_row * width * column + along_column * height * row


@settings(max_examples=15)
@given(Made)
def test_a_pixel_lies_where_it_lay(tmp_path_factory: pytest.TempPathFactory, one: Marked) -> None:
    folder = tmp_path_factory.mktemp("dicom")
    images = series(one, folder)
    np.testing.assert_allclose(found(images), one.place, atol=1e-3)
    geometry = one.result.geometry
    assert geometry is not None
    for k, path in enumerate(sorted((folder / "out").iterdir())):
        known = read_geometry(path)
        assert known is not None
        np.testing.assert_allclose(known.planes[0].position, geometry.planes[k].position, atol=1e-3)
        np.testing.assert_allclose(known.planes[0].directions[:2], geometry.planes[k].directions[:2], atol=1e-6)
        np.testing.assert_allclose(known.voxel_size, geometry.voxel_size)


def test_one_that_lies_otherwise_is_found_elsewhere(tmp_path: Path) -> None:
    one = marked(1)
    assert np.abs(found(series(mirrored(one), tmp_path)) - one.place).max() > 0.1


@settings(max_examples=15)
@given(st.integers(0, 99), st.sampled_from([1e-30, 1e-6, 1.0, 4e4, 1e30]))
def test_pixels_have_the_units_of_the_result(tmp_path_factory: pytest.TempPathFactory, seed: int, units: float) -> None:
    """To half a step of 65,535, by one slope and in one window."""
    result, folder = marked(seed, units=units).result, tmp_path_factory.mktemp("dicom")
    images = series(result, folder)
    magnitudes = np.abs(result.image).astype(np.float64)
    told = np.stack([pixels(image) for image in images])
    np.testing.assert_allclose(told, magnitudes, rtol=0, atol=0.51 * magnitudes.max() / 65535)
    for name in ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction"):
        assert len({str(image.get(name)) for image in images}) == 1
    assert float(images[0].WindowWidth) == pytest.approx(np.percentile(magnitudes, 99.9))
    assert float(images[0].WindowCenter) == pytest.approx(float(images[0].WindowWidth) / 2)
    again = read_image(folder / "out" / "0007.dcm")[0]
    np.testing.assert_allclose(again, magnitudes[0], rtol=0, atol=0.51 * magnitudes.max() / 65535)


def test_an_image_of_zeros_is_one(tmp_path: Path) -> None:
    zeros = np.zeros((1, 6, 4), np.complex64)
    geometry = marked(slices=1).result.geometry
    assert geometry is not None
    made = Reconstruction(zeros[:, None], zeros, None, {}, zeros, replace(geometry, shape=(6, 4)))
    (image,) = series(made, tmp_path)
    assert not pixels(image).any()


def test_what_the_standard_asks_for_is_there(tmp_path: Path) -> None:
    images = series(marked(), tmp_path)
    for image in images:
        assert image.SOPClassUID == pydicom.uid.MRImageStorage
        assert list(image.ImageType[:2]) == ["DERIVED", "SECONDARY"]
        for name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
            assert pydicom.uid.UID(image[name].value).is_valid
        for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
            assert image[name].is_empty, name  # type 2: there, and empty, as nobody told
        assert image.DerivationDescription.startswith("Reconstructed by invdiff 0.1.0, method estimate, seed 3")
    assert len({image.SOPInstanceUID for image in images}) == 3
    assert len({image.SeriesInstanceUID for image in images}) == 1
    assert [image.InstanceNumber for image in images] == [1, 2, 3]


def test_the_same_result_has_the_same_identifiers_and_another_has_others(tmp_path: Path) -> None:
    names = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")

    def identifiers(seed: int, folder: str) -> list[str]:
        (tmp_path / folder).mkdir()
        return [image[name].value for image in series(marked(seed), tmp_path / folder) for name in names]

    assert identifiers(0, "a") == identifiers(0, "b")
    assert not set(identifiers(0, "c")) & set(identifiers(1, "d"))


@pytest.mark.parametrize("geometry", [None, Geometry((6, 4), (12.0, 6.0), 5.0)])
def test_what_lies_nobody_knows_where_is_refused(tmp_path: Path, geometry: Geometry | None) -> None:
    """With a template too, which can't tell which way the image lies."""
    image = np.ones((3, 6, 4), np.complex64)
    series(marked(), tmp_path, name="template")
    for template in (None, tmp_path / "template"):
        with pytest.raises(InputError, match="nobody could tell left from right"):
            series(Reconstruction(image[:, None], image, None, {}, image, geometry), tmp_path, template)


def test_rows_and_columns_askew_are_refused(tmp_path: Path) -> None:
    one = marked()
    geometry = one.result.geometry
    assert geometry is not None
    askew = tuple(
        replace(plane, phase=tuple((plane.directions[1] + 0.1 * plane.directions[0]) / np.sqrt(1.01)))
        for plane in geometry.planes or ()
    )
    with pytest.raises(InputError, match="not at right angles"):
        series(replace(one.result, geometry=replace(geometry, planes=askew)), tmp_path)


@pytest.mark.parametrize("text", ["back\\slash", "a\x1b[2Jb\nc", "Λ" * 2000])
def test_texts_of_strangers_are_fit_for_headers(tmp_path: Path, text: str) -> None:
    result = marked().result
    said = {**result.attributes, "method": text, "invdiff_version": text, "parameters": text}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for image in series(replace(result, attributes=said), tmp_path):
            for name in ("SeriesDescription", "DerivationDescription", "SoftwareVersions"):
                assert isinstance(image[name].value, str)
                assert image[name].value.isprintable()
