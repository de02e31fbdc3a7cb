"""What an ISMRMRD header, in raw data or in a file of fastMRI's layout, tells of the geometry."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import Geometry, Plane, open_scan, read_scan

ismrmrd = pytest.importorskip("ismrmrd")

SPACE = (
    "<{name}><matrixSize><x>{0}</x><y>{1}</y><z>{2}</z></matrixSize>"
    "<fieldOfView_mm><x>{3}</x><y>{4}</y><z>{5}</z></fieldOfView_mm></{name}>"
)
ENCODED = (16, 6, 1, 64, 18, 5)
RECON = (8, 6, 1, 32, 18, 5)


def header(encoded: tuple[Any, ...] = ENCODED, recon: tuple[Any, ...] | None = RECON) -> str:
    spaces = SPACE.format(*encoded, name="encodedSpace") + (SPACE.format(*recon, name="reconSpace") if recon else "")
    return (
        '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions><H1resonanceFrequency_Hz>1'
        f"</H1resonanceFrequency_Hz></experimentalConditions><encoding>{spaces}<encodingLimits/>"
        "<trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"
    )


def layout(path: Path, xml: str, shape: tuple[int, int] = (16, 6), slices: int = 1) -> Path:
    """A file of fastMRI's layout."""
    with h5py.File(path, "w") as file:
        file["kspace"], file["ismrmrd_header"] = np.ones((slices, 2, *shape), np.complex64), xml
    return path


def raw_data(path: Path, heads: list[dict[str, Any]], xml: str | None = None) -> Path:
    """Raw data of a slice for each of these heads."""
    with ismrmrd.Dataset(str(path), "dataset", create_if_needed=True) as dataset:
        dataset.write_xml_header((xml or header()).encode())
        for index, head in enumerate(heads):
            for line in range(6):
                acquisition = ismrmrd.Acquisition.from_array(np.ones((2, 16), np.complex64))
                acquisition.center_sample, acquisition.idx.kspace_encode_step_1 = 8, line
                acquisition.idx.slice = index
                for name, vector in head.items():
                    getattr(acquisition, name)[:] = vector
                dataset.append_acquisition(acquisition)
    return path


def test_x_is_the_readout_and_rows_follow_it(tmp_path: Path) -> None:
    found = read_scan(layout(tmp_path / "a.h5", header())).geometry
    assert found == Geometry((16, 6), (64.0, 18.0), 5.0, (32.0, 18.0), (8, 6))
    assert found.cropped.shape == (8, 6)
    assert found.voxel_size == (4.0, 3.0)


def test_slices_of_a_long_file_and_an_empty_one_share_it(tmp_path: Path) -> None:
    path = layout(tmp_path / "a.h5", header(), slices=12)
    with h5py.File(path, "a") as file:
        file["kspace"][4] = 0
    assert open_scan(path).geometry == read_scan(path).geometry
    assert open_scan(path).select([4, 5]).geometry == read_scan(path).geometry


def test_raw_data_tell_where_every_slice_lies(tmp_path: Path) -> None:
    turned = {"read_dir": (0.6, 0.8, 0), "phase_dir": (-0.8, 0.6, 0), "slice_dir": (0, 0, 1)}
    heads = [{"position": (1, 2, 6 * k), **turned} for k in range(3)]
    found = read_scan(raw_data(tmp_path / "a.h5", heads)).geometry
    assert found is not None
    assert found.planes is not None
    for k, plane in enumerate(found.planes):
        assert plane.position == (1, 2, 6 * k)
        np.testing.assert_allclose(plane.directions, list(turned.values()), atol=1e-7)
        assert np.linalg.norm(plane.read) == pytest.approx(1, abs=1e-15)
    assert found.affine is not None
    np.testing.assert_allclose(found.affine[:, 0], [-0.6 * 4, -0.8 * 4, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found.affine[:, 2], [0, 0, 6, 0], atol=1e-6)


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"read_dir": (1, 0, 0), "phase_dir": (0, 1, 0)},
        {"read_dir": (1, 0, 0), "phase_dir": (1, 0, 0), "slice_dir": (0, 0, 1)},
        {"read_dir": (2, 0, 0), "phase_dir": (0, 1, 0), "slice_dir": (0, 0, 1)},
        {"read_dir": (np.nan, 0, 0), "phase_dir": (0, 1, 0), "slice_dir": (0, 0, 1)},
        {"position": (np.inf, 0, 0), "read_dir": (1, 0, 0), "phase_dir": (0, 1, 0), "slice_dir": (0, 0, 1)},
    ],
)
def test_directions_that_are_none_are_unknown(tmp_path: Path, head: dict[str, Any]) -> None:
    good = {"read_dir": (1, 0, 0), "phase_dir": (0, 1, 0), "slice_dir": (0, 0, 1)}
    found = read_scan(raw_data(tmp_path / "a.h5", [good, head])).geometry
    assert found == Geometry((16, 6), (64.0, 18.0), 5.0, (32.0, 18.0), (8, 6))


@pytest.mark.parametrize("lengths", [(0, 18), (64, 0), (-64, 18), ("nan", 18), ("wide", 18), ("1e400", 18)])
def test_a_field_of_view_that_is_none_cuts_nothing_out(tmp_path: Path, lengths: tuple[Any, Any]) -> None:
    xml = header(encoded=(16, 6, 1, *lengths, 5))
    assert read_scan(layout(tmp_path / "a.h5", xml)).geometry is None
    assert read_scan(raw_data(tmp_path / "b.h5", [{}], xml)).geometry is None


@pytest.mark.parametrize(
    ("recon", "field_of_view", "matrix"),
    [
        (None, None, None),
        ((8, 6, 1, 0, 0, 0), None, (8, 6)),
        ((0, 0, 0, 32, 18, 5), (32.0, 18.0), None),
        (("x", 10**40, 1, 32, "y", 5), None, None),
    ],
)
def test_a_recon_space_may_be_missing_or_zero(tmp_path: Path, recon: Any, field_of_view: Any, matrix: Any) -> None:
    found = read_scan(layout(tmp_path / "a.h5", header(recon=recon))).geometry
    assert found == Geometry((16, 6), (64.0, 18.0), 5.0, field_of_view, matrix)
    assert found.crop == ((slice(4, 12) if field_of_view else slice(0, 16)), slice(0, 6))


def test_oversampling_that_was_taken_out_is_not_taken_out_again(tmp_path: Path) -> None:
    """The header still speaks of it."""
    found = read_scan(layout(tmp_path / "a.h5", header(), (8, 6))).geometry
    assert found is not None
    assert (found.field_of_view, found.cropped.shape) == ((32.0, 18.0), (8, 6))


OTHER_GRIDS: list[tuple[tuple[int, int], tuple[Any, ...]]] = [
    ((10, 6), RECON),
    ((8, 6), (8, 6, 1, 48, 18, 5)),
    ((8, 6), (8, 6, 1, 0, 18, 5)),
    ((6, 16), RECON),
]


@pytest.mark.parametrize(("shape", "recon"), OTHER_GRIDS)
def test_a_header_of_another_grid_tells_nothing(tmp_path: Path, shape: tuple[int, int], recon: Any) -> None:
    assert read_scan(layout(tmp_path / "a.h5", header(recon=recon), shape)).geometry is None


def test_interpolation_is_remarked(tmp_path: Path) -> None:
    xml = header(recon=(16, 12, 1, 32, 18, 5))
    for path in (layout(tmp_path / "a.h5", xml), raw_data(tmp_path / "b.h5", [{}], xml)):
        (remark,) = read_scan(path).remarks
        assert "recon matrix of 16 x 12 over 32 x 18 mm is interpolated: 8 x 6 pixels were measured" in remark


def test_a_geometry_of_ones_own_goes_before_the_header(tmp_path: Path) -> None:
    path = layout(tmp_path / "a.h5", header())
    with h5py.File(path, "a") as file:
        file["geometry/field_of_view_mm"] = (10.0, 20.0)
    assert read_scan(path).geometry == Geometry((16, 6), (10.0, 20.0))


def test_a_plane_of_a_header_is_rounded() -> None:
    third = 0.577350
    plane = Plane.known((0, 0, 0), (third,) * 3, (0.707107, -0.707107, 0), (0.408248, 0.408248, -0.816497))
    assert plane is not None
    assert np.linalg.norm(plane.directions, axis=1) == pytest.approx(1, abs=1e-15)
    assert Plane.known((0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)) is None
    assert Plane.known((0, 0, "x"), (1, 0, 0), (0, 1, 0), (0, 0, 1)) is None
