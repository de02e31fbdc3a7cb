"""Results as NIfTI, read by nibabel."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings

from invdiff.data import Geometry, Plane, read_geometry
from invdiff.reconstruction import Reconstruction
from invdiff.reconstruction.writers import WayOut
from tests.reconstruction.writers.results import Made, Marked, marked, mirrored, written


def exported(one: Marked | Reconstruction, folder: Path, name: str = "out.nii.gz") -> tuple[str, ...]:
    """The remarks of it."""
    return WayOut.named(str(folder / name)).export(written(one, folder)).remarks


def found(path: Path) -> np.ndarray:
    """Where the brightest voxel lies, in mm towards left, posterior and superior."""
    image = nibabel.load(path)
    voxel = np.unravel_index(np.argmax(image.get_fdata()), image.shape)
    return (image.affine @ [*voxel, 1])[:3] * [-1, -1, 1]


@settings(max_examples=20)
@given(Made)
def test_a_voxel_lies_where_it_lay(tmp_path_factory: pytest.TempPathFactory, one: Marked) -> None:
    folder = tmp_path_factory.mktemp("nifti")
    assert exported(one, folder) == ()
    path = folder / "out_part-mag.nii.gz"
    np.testing.assert_allclose(found(path), one.place, atol=1e-3)
    header = nibabel.load(path).header
    np.testing.assert_allclose(header.get_qform(), header.get_sform(), atol=1e-3)
    assert (header["sform_code"], header["qform_code"], header.get_xyzt_units()[0]) == (1, 1, "mm")
    assert one.result.geometry is not None
    np.testing.assert_allclose(read_geometry(path).affine, one.result.geometry.affine, atol=1e-3)


def test_one_that_lies_otherwise_is_found_elsewhere(tmp_path: Path) -> None:
    one = marked(1)
    exported(mirrored(one), tmp_path)
    assert np.abs(found(tmp_path / "out_part-mag.nii.gz") - one.place).max() > 0.1


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_the_numbers_are_those_of_the_result(tmp_path: Path, suffix: str) -> None:
    result = marked().result
    exported(result, tmp_path, f"out{suffix}")
    expected = {
        "part-mag": np.abs(result.image),
        "part-phase": np.angle(result.image),
        "part-mag_desc-std": result.magnitude_std,
    }
    for name, volume in expected.items():
        image = nibabel.load(tmp_path / f"out_{name}{suffix}")
        assert image.get_data_dtype() == np.float32
        np.testing.assert_allclose(image.get_fdata(), np.moveaxis(volume, 0, -1), rtol=1e-6)
    assert len(list(tmp_path.glob("out_*"))) == 6


@pytest.mark.parametrize(
    ("name", "magnitude"),
    [
        ("sub-01_ses-2_T2w.nii.gz", "sub-01_ses-2_part-mag_T2w"),
        ("sub-01.nii.gz", "sub-01_part-mag"),
        ("my_head.nii.gz", "my_head_part-mag"),
        ("sub-01_T2w.old.nii.gz", "sub-01_part-mag_T2w.old"),
    ],
)
def test_names_are_those_of_bids(tmp_path: Path, name: str, magnitude: str) -> None:
    exported(marked(), tmp_path, name)
    assert (tmp_path / f"{magnitude}.nii.gz").is_file()
    assert (tmp_path / f"{magnitude}.json").is_file()


def test_what_stands_beside_it_says_how_it_was_made(tmp_path: Path) -> None:
    exported(marked(), tmp_path)
    magnitude, phase = (json.loads((tmp_path / f"out_part-{name}.json").read_text()) for name in ("mag", "phase"))
    assert (magnitude["Units"], phase["Units"]) == ("arbitrary", "rad")
    assert magnitude["GeneratedBy"] == [{"Name": "invdiff", "Version": "0.1.0"}]
    assert (magnitude["Sources"], magnitude["Slices"]) == (["scan.h5"], [7, 8, 9])
    assert magnitude["Citations"] == ["A 2020, B, C", "D 2021, E, F", "G 2022, H, I"]
    said = magnitude["Reconstruction"]
    assert (said["method"], said["seed"], said["scale"]) == ("estimate", 3, ["nan"] * 3)


def test_without_samples_there_is_no_deviation(tmp_path: Path) -> None:
    exported(marked(samples=0), tmp_path)
    assert not list(tmp_path.glob("*desc-std*"))


PLANE = Plane((1.0, 2.0, 3.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
UNEVEN = (PLANE, replace(PLANE, position=(1.0, 2.0, 5.0)), replace(PLANE, position=(1.0, 2.0, 9.0)))


@pytest.mark.parametrize(
    ("geometry", "sizes", "words"),
    [
        (None, (1, 1, 1), "voxels or where they lie"),
        (Geometry((6, 4), (12.0, 6.0), 5.0), (2, 1.5, 5), "where its slices lie"),
        (Geometry((6, 4), (12.0, 6.0)), (2, 1.5, 1), "where its slices lie"),
        (Geometry((6, 4), (12.0, 6.0), 5.0, planes=UNEVEN), (2, 1.5, 5), "not parallel and evenly apart"),
    ],
)
def test_what_is_not_known_is_said(
    tmp_path: Path, geometry: Geometry | None, sizes: tuple[float, ...], words: str
) -> None:
    """And the header's codes are those of a volume of which nobody knows where it lies."""
    image = np.ones((3, 6, 4), np.complex64)
    (remark,) = exported(Reconstruction(image[:, None], image, None, {}, image, geometry), tmp_path)
    assert words in remark
    header = nibabel.load(tmp_path / "out_part-mag.nii.gz").header
    assert (header["sform_code"], header["qform_code"]) == (0, 0)
    assert header.get_zooms() == sizes
    assert json.loads((tmp_path / "out_part-mag.json").read_text())["Remarks"] == [remark]
    assert exported(marked(), tmp_path, "known.nii.gz") == ()


def test_one_slice_of_unknown_thickness_still_lies_somewhere(tmp_path: Path) -> None:
    one = marked(2, slices=1)
    assert one.result.geometry is not None
    thin = replace(one, result=replace(one.result, geometry=replace(one.result.geometry, slice_thickness=None)))
    (remark,) = exported(thin, tmp_path)
    assert "it is 1 mm" in remark
    np.testing.assert_allclose(found(tmp_path / "out_part-mag.nii.gz"), one.place, atol=1e-3)


def test_slices_that_are_sheared_have_no_quaternion(tmp_path: Path) -> None:
    one = marked(3)
    geometry = one.result.geometry
    assert geometry is not None
    planes = tuple(
        replace(plane, position=tuple(np.array(plane.position) + k * np.array(plane.read)))
        for k, plane in enumerate(geometry.planes or ())
    )
    sheared = replace(one, result=replace(one.result, geometry=replace(geometry, planes=planes)))
    exported(sheared, tmp_path)
    path = tmp_path / "out_part-mag.nii.gz"
    assert nibabel.load(path).header["qform_code"] == 0
    np.testing.assert_allclose(found(path), sheared.place, atol=1e-3)
