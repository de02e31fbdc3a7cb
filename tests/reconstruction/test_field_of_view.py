"""What is written of an oversampled scan, and where it says that it lies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from invdiff.data import Geometry, Picture, Plane, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.methods import find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Cases, Recipe, Study, picture_cases, read_reconstructed, reconstruct, scan_cases

SHAPE = (16, 12)
PHANTOM = shepp_logan(SHAPE)
PLANES = tuple(Plane((10.0, -20.0, 6.0 * k), (0.0, 1.0, 0.0), (0.6, 0.0, 0.8), (0.8, 0.0, -0.6)) for k in (0, 1, 2))
GEOMETRY = Geometry(SHAPE, (32.0, 18.0), 5.0, (18.0, 18.0), (9, 12), PLANES)
ROWS = slice(4, 13)  # nine of sixteen, around row 8
SCAN = simulate(
    np.stack([PHANTOM, PHANTOM[::-1], PHANTOM[:, ::-1]]),
    coils=2,
    mask=equispaced(SHAPE, 2, 4),
    noise_std=0.02,
    geometry=GEOMETRY,
)
CASES = scan_cases(SCAN, "sense")
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
STUDY = Study(PRIOR, Recipe(find_method("estimate"), {"steps": "2"}), Recipe(find_method("fast"), {"steps": "2"}, 2))
IMAGES = ("image", "estimate", "mean", "std", "samples", "zero_filled", "ground_truth")


def written(cases: Cases, folder: Path) -> dict[str, Any]:
    outcome = STUDY(cases, folder)
    assert outcome.path is not None
    with h5py.File(outcome.path) as file:
        return {**{name: file[name][()] for name in file}, **{name: file.attrs[name] for name in file.attrs}}


def test_images_are_the_field_of_view_of_what_is_reconstructed(tmp_path: Path) -> None:
    """The problem is that of the whole grid: the same numbers, of which a part is written."""
    part, whole = written(CASES, tmp_path / "part"), written(CASES.with_oversampling, tmp_path / "whole")
    for name in IMAGES:
        assert whole[name].shape[-2:] == SHAPE
        np.testing.assert_array_equal(part[name], whole[name][..., ROWS, :])
        assert (whole[name][..., 3:12, :] != part[name]).any()
    assert CASES.description.startswith(
        "simulated: 3 slice(s) of 16 x 12, of which 9 x 12 are the field of view, 2 coils"
    )
    assert CASES.with_oversampling.description.startswith("simulated: 3 slice(s) of 16 x 12, 2 coils")


def test_a_result_says_where_it_lies(tmp_path: Path) -> None:
    part, whole = written(CASES, tmp_path / "part"), written(CASES.with_oversampling, tmp_path / "whole")
    for found, size in ((part, (18.0, 18.0)), (whole, (32.0, 18.0))):
        np.testing.assert_allclose(found["field_of_view_mm"], size)
        np.testing.assert_allclose(found["voxel_size_mm"], (2, 1.5))
        np.testing.assert_array_equal(found["position_mm"], [plane.position for plane in PLANES])
        np.testing.assert_array_equal(found["directions"], [plane.directions for plane in PLANES])
        assert found["slice_thickness_mm"] == 5
    assert tuple(part["recon_matrix"]) == (9, 12)
    assert "recon_matrix" not in whole
    first = [0, 0, 0, 1]
    np.testing.assert_allclose(part["affine"] @ first, whole["affine"] @ [ROWS.start, 0, 0, 1])
    np.testing.assert_allclose(part["affine"] @ [4, 6, 2, 1], [-10, 20, 12, 1])


def test_some_slices_lie_where_they_lay(tmp_path: Path) -> None:
    found = written(CASES.of([2, 1]), tmp_path)
    np.testing.assert_array_equal(found["position_mm"], [PLANES[2].position, PLANES[1].position])
    np.testing.assert_allclose(found["affine"][:3, 2], (0, 0, -6))


def test_a_result_of_unknown_geometry_says_nothing(tmp_path: Path) -> None:
    found = written(scan_cases(replace(SCAN, geometry=None), "sense"), tmp_path)
    names = {"field_of_view_mm", "voxel_size_mm", "slice_thickness_mm", "recon_matrix", "affine", "position_mm"}
    assert not names & found.keys()
    assert found["image"].shape == (3, *SHAPE)
    sizes = written(scan_cases(replace(SCAN, geometry=replace(GEOMETRY, planes=None)), "sense"), tmp_path / "sizes")
    assert names & sizes.keys() == names - {"affine", "position_mm"}


def test_another_part_is_another_result(tmp_path: Path) -> None:
    written(CASES, tmp_path)
    assert written(CASES.with_oversampling, tmp_path)["image"].shape == (3, *SHAPE)
    assert STUDY(CASES.with_oversampling, tmp_path).was_there


def test_an_image_of_the_field_of_view_is_no_start(tmp_path: Path) -> None:
    STUDY(CASES, tmp_path / "part")
    STUDY(CASES.with_oversampling, tmp_path / "whole")
    with pytest.raises(
        InputError, match=r"shape \(3, 9, 12\), but the slices have \(3, 16, 12\); .*--keep-oversampling"
    ):
        replace(CASES, initial=read_reconstructed(tmp_path / "part" / "reconstruction.h5"))
    replace(CASES, initial=read_reconstructed(tmp_path / "whole" / "reconstruction.h5"))
    with pytest.raises(InputError, match=r"but the slices have \(3, 16, 12\)\.$"):
        replace(CASES, initial=np.zeros((3, 8, 12)))


def test_pictures_are_written_where_they_lie(tmp_path: Path) -> None:
    geometry = Geometry(SHAPE, (32.0, 18.0), 5.0, planes=PLANES)
    picture = Picture(np.stack([PHANTOM] * 3), noise_std=0.05, geometry=geometry)
    cases = picture_cases(picture, "denoise")
    prior = GaussianPrior(torch.zeros(1, *SHAPE), 0.04 * torch.ones(1, *SHAPE))
    with h5py.File(Study(prior, STUDY.image, None)(cases.of([1, 2]), tmp_path).path or "") as file:
        np.testing.assert_allclose(file.attrs["affine"], geometry.select([1, 2]).affine)


def test_the_interface_of_python_keeps_the_grid_and_knows_it(tmp_path: Path) -> None:
    found = reconstruct(CASES, find_method("fast").with_settings({"steps": "2"}, channels=(2,)), PRIOR, samples=1)
    assert found.image.shape == (3, *SHAPE)
    assert found.geometry == GEOMETRY
    found.write(tmp_path / "result.h5")
    with h5py.File(tmp_path / "result.h5") as file:
        np.testing.assert_allclose(file.attrs["field_of_view_mm"], (32, 18))
        assert file["image"].shape == (3, *SHAPE)
