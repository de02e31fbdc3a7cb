"""Where pixels lie in space: affines, crops, and what files keep of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import Geometry, Plane, Scan, open_scan, read_picture, read_scan, write_scan
from invdiff.data.formats.geometry_arrays import arrays_of, geometry_in
from invdiff.data.masks import central
from invdiff.data.picture import Picture
from invdiff.errors import InputError

LENGTHS = st.floats(0.25, 1000)
SIDES = st.integers(1, 40)
RIGHT = np.diag([-1.0, -1.0, 1.0])  # LPS to RAS


@st.composite
def rotations(draw: st.DrawFn) -> np.ndarray:
    """Proper and improper: three orthonormal rows."""
    q, r = np.linalg.qr(np.random.default_rng(draw(st.integers(0, 2**32 - 1))).standard_normal((3, 3)))
    return np.array(q * np.sign(np.diag(r)))


@st.composite
def geometries(draw: st.DrawFn, slices: int | None = None) -> Geometry:
    """Of a stack of parallel slices, evenly apart."""
    shape, count = (draw(SIDES), draw(SIDES)), slices or draw(st.integers(1, 5))
    directions, thickness = draw(rotations()), draw(LENGTHS)
    first = np.array([draw(st.floats(-500, 500)) for _ in range(3)])
    read, phase, across = (tuple(row.tolist()) for row in directions)
    planes = tuple(
        Plane(tuple((first + k * thickness * directions[2]).tolist()), read, phase, across) for k in range(count)
    )
    recon = draw(st.none() | st.tuples(LENGTHS, LENGTHS))
    matrix = draw(st.none() | st.tuples(SIDES, SIDES))
    return Geometry(shape, (draw(LENGTHS), draw(LENGTHS)), thickness, recon, matrix, planes)


def places_by_planes(geometry: Geometry) -> np.ndarray:
    """Where every pixel lies, ``(slices, H, W, 3)`` in RAS, from positions and directions alone."""
    assert geometry.planes is not None
    (height, width), (h, w) = geometry.shape, geometry.voxel_size
    rows, columns = (np.arange(height) - height // 2) * h, (np.arange(width) - width // 2) * w
    stacks = [
        np.array(plane.position)
        + rows[:, None, None] * np.array(plane.read)
        + columns[None, :, None] * np.array(plane.phase)
        for plane in geometry.planes
    ]
    return np.stack(stacks) * (-1, -1, 1)


def places_by_affine(affine: np.ndarray, geometry: Geometry) -> np.ndarray:
    """The same by a matrix."""
    assert geometry.planes is not None
    k, i, j = np.meshgrid(*(np.arange(n) for n in (len(geometry.planes), *geometry.shape)), indexing="ij")
    return np.stack([i, j, k, np.ones_like(i)], axis=-1) @ affine.T[:, :3]


BROKEN = {
    "rows for columns": lambda affine: affine[:, [1, 0, 2, 3]],
    "left for right": lambda affine: np.diag([-1, 1, 1, 1]) @ affine,
    "back for front": lambda affine: np.diag([1, -1, 1, 1]) @ affine,
    "first pixel for the middle": lambda affine: affine + np.eye(4)[:, [0]] @ np.eye(4)[[3]],
}


@given(geometries())
def test_the_affine_is_that_of_positions_and_directions(geometry: Geometry) -> None:
    affine = geometry.affine
    assert affine is not None
    expected = places_by_planes(geometry)
    np.testing.assert_allclose(places_by_affine(affine, geometry), expected, atol=1e-9 * 1e4)
    np.testing.assert_array_equal(affine[3], [0, 0, 0, 1])


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_affine_is_found(name: str) -> None:
    plane = Plane((5.0, -7.0, 11.0), (0.6, 0.8, 0.0), (-0.8, 0.6, 0.0), (0.0, 0.0, 1.0))
    geometry = Geometry((4, 6), (8.0, 18.0), 5.0, planes=(plane,))
    assert geometry.affine is not None
    broken = BROKEN[name](geometry.affine)
    assert np.abs(places_by_affine(broken, geometry) - places_by_planes(geometry)).max() > 0.5


@given(geometries())
def test_from_an_affine_and_back(geometry: Geometry) -> None:
    affine, count = geometry.affine, len(geometry.planes or ())
    assert affine is not None
    found = Geometry.from_affine(affine, geometry.shape, count)
    np.testing.assert_allclose(places_by_planes(found), places_by_planes(geometry), atol=1e-6)
    np.testing.assert_allclose(found.voxel_size, geometry.voxel_size)
    assert found.slice_thickness == pytest.approx(geometry.slice_thickness)
    assert found.affine == pytest.approx(affine)


def test_slices_that_are_not_evenly_apart_have_no_affine() -> None:
    plane = Plane((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    up, far = (replace(plane, position=(0.0, 0.0, z)) for z in (3.0, 7.0))
    turned = replace(up, read=(0.0, 1.0, 0.0), phase=(-1.0, 0.0, 0.0))
    whole = Geometry((4, 4), (8.0, 8.0), 3.0)
    assert whole.affine is None
    for planes in ((plane, up, far), (plane, turned), (plane, plane)):
        assert replace(whole, planes=planes).affine is None
    assert replace(whole, planes=(plane,), slice_thickness=None).affine is None
    assert replace(whole, planes=(up, plane)).affine is not None


# The recon field of view


@given(st.integers(1, 400), st.integers(1, 400), LENGTHS, LENGTHS, st.none() | st.tuples(SIDES, SIDES))
def test_the_crop_is_by_millimetres(n: int, m: int, whole: float, part: float, matrix: tuple[int, int] | None) -> None:
    """As long as the recon field of view to half a pixel, around the same centre, whatever the recon matrix."""
    geometry = Geometry((n, m), (whole, whole), None, (part, part), matrix)
    for side, length, cut in zip((n, m), geometry.voxel_size, geometry.crop, strict=True):
        kept = cut.stop - cut.start
        assert 0 <= cut.start < cut.stop <= side
        if part >= whole:
            assert kept == side
        elif kept > 1:
            assert abs(kept * length - part) <= 0.5 * length * (1 + 1e-9)
        assert cut.start + kept // 2 == side // 2


def test_oversampling_is_cut_and_interpolation_is_said() -> None:
    plain = Geometry((192, 96), (384.0, 192.0), 5.0, (192.0, 192.0), (96, 96))
    interpolated = replace(plain, recon_matrix=(192, 192))
    for geometry in (plain, interpolated):
        assert geometry.crop == (slice(48, 144), slice(0, 96))
        assert geometry.cropped.shape == (96, 96)
        assert geometry.cropped.field_of_view == (192.0, 192.0)
        assert geometry.uncropped.crop == (slice(0, 192), slice(0, 96))
    assert plain.remarks == ()
    (remark,) = interpolated.remarks
    assert remark == (
        "The header's recon matrix of 192 x 192 over 192 x 192 mm is interpolated: 96 x 96 pixels were measured there, "
        "and images have these."
    )


@given(st.integers(1, 30), st.integers(1, 30))
def test_a_central_part_keeps_the_centre_and_needs_no_parity(n: int, m: int) -> None:
    n, m = max(n, m), min(n, m)
    (cut, _) = central((n, 1), (m, 1))
    assert np.arange(n)[cut][m // 2] == n // 2
    assert len(np.arange(n)[cut]) == m


@given(geometries())
def test_what_is_cut_out_lies_where_it_lay(geometry: Geometry) -> None:
    places = places_by_planes(geometry)
    kept = np.moveaxis(geometry.part(np.moveaxis(places, -1, 1)), 1, -1)
    np.testing.assert_allclose(places_by_planes(geometry.cropped), kept, atol=1e-6)
    cropped = geometry.cropped
    assert cropped.cropped.shape == cropped.shape


# Files


def scan_of(geometry: Geometry) -> Scan:
    count = 1 if geometry.planes is None else len(geometry.planes)
    return Scan(np.ones((count, 1, *geometry.shape), np.complex64), geometry=geometry)


@settings(max_examples=25)
@given(geometries(), st.booleans())
def test_a_written_geometry_is_read_equal(
    tmp_path_factory: pytest.TempPathFactory, geometry: Geometry, known: bool
) -> None:
    geometry = geometry if known else replace(geometry, planes=None, slice_thickness=None)
    path = tmp_path_factory.mktemp("scan") / "scan.h5"
    write_scan(scan_of(geometry), path)
    for read in (read_scan, open_scan):
        assert read(path).geometry == geometry
        assert read(path).remarks == geometry.remarks
    np.savez(path.with_suffix(".npz"), kspace=scan_of(geometry).kspace, **arrays_of(geometry))
    assert read_scan(path.with_suffix(".npz")).geometry == geometry


@settings(max_examples=25)
@given(geometries(slices=12))
def test_planes_follow_their_slices(tmp_path_factory: pytest.TempPathFactory, geometry: Geometry) -> None:
    """Also of a long scan, which is read slice by slice, and of its empty slices."""
    path = tmp_path_factory.mktemp("scan") / "scan.h5"
    scan = scan_of(geometry)
    scan.kspace[3] = 0
    write_scan(scan, path)
    chosen = [11, 3, 5]
    expected = replace(geometry, planes=tuple((geometry.planes or ())[k] for k in chosen))
    assert expected != geometry
    for one in (scan, open_scan(path)):
        assert one.geometry == geometry
        assert one.select(chosen).geometry == expected
        assert one.select(chosen).select([1]).geometry == replace(expected, planes=(expected.planes or ())[1:2])
    picture = Picture(np.ones((12, *geometry.shape)), geometry=geometry)
    assert picture.select(chosen).geometry == expected


PLANE = Plane((1.0, 2.0, 3.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
GEOMETRY = Geometry((4, 6), (8.0, 6.0), 5.0, (4.0, 6.0), (2, 6), (PLANE, PLANE))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (
            "field_of_view_mm",
            np.ones(3),
            r"field_of_view_mm of shape \(3,\) holds float64; it must be of shape",
        ),
        ("field_of_view_mm", np.array([0.0, 8]), r"The field of view .* 2 positive number\(s\), not \(0\.0, 8\.0\)"),
        ("field_of_view_mm", np.array([np.nan, 8]), "2 positive number"),
        ("field_of_view_mm", np.array([1e300, 8]), "2 positive number"),
        ("field_of_view_mm", np.array([1j, 8]), "holds complex128"),
        ("slice_thickness_mm", -1.0, r"The slice thickness .* 1 positive number\(s\), not \(-1\.0,\)"),
        ("recon_field_of_view_mm", np.array([np.inf, 1]), "The recon field of view"),
        ("recon_matrix", np.array([1.5, 2]), "hold whole numbers"),
        ("recon_matrix", np.array([0, 2]), "The recon matrix"),
        ("position_mm", np.ones((3, 3)), "3 positions of slices and the directions of 2"),
        ("position_mm", np.full((2, 3), np.nan), "three finite numbers"),
        ("directions", np.ones((2, 3)), r"must be of shape \(slices, 3, 3\)"),
        ("directions", 2 * np.stack([np.eye(3)] * 2), "unit vectors"),
        ("directions", np.stack([np.eye(3)[[0, 0, 2]]] * 2), "lie in one plane"),
    ],
)
def test_a_geometry_that_is_none_is_refused(tmp_path: Path, key: str, value: Any, words: str) -> None:
    write_scan(scan_of(GEOMETRY), tmp_path / "scan.h5")
    with h5py.File(tmp_path / "scan.h5", "a") as file:
        del file[f"geometry/{key}"]
        file[f"geometry/{key}"] = value
    for read in (read_scan, open_scan):
        with pytest.raises(InputError, match=words) as refused:
            read(tmp_path / "scan.h5")
        assert str(tmp_path / "scan.h5") in str(refused.value)


def test_a_geometry_of_another_image_is_refused(tmp_path: Path) -> None:
    words = r"geometry is of 2 slice\(s\) of 4 x 6, but the image has 1 slice\(s\) of 4 x 6"
    with pytest.raises(InputError, match=words):
        Scan(np.ones((1, 1, 4, 6), np.complex64), geometry=GEOMETRY)
    with pytest.raises(InputError, match=words):
        Picture(np.ones((1, 4, 6)), geometry=GEOMETRY)
    with pytest.raises(InputError, match=r"of 4 x 6, but the image has 2 slice\(s\) of 6 x 4"):
        Scan(np.ones((2, 1, 6, 4), np.complex64), geometry=GEOMETRY)
    twelve = replace(GEOMETRY, planes=(PLANE,) * 12)
    write_scan(scan_of(twelve), tmp_path / "long.h5")
    with h5py.File(tmp_path / "long.h5", "a") as file:
        for key in ("position_mm", "directions"):
            held = file[f"geometry/{key}"][:11]
            del file[f"geometry/{key}"]
            file[f"geometry/{key}"] = held
    for read in (read_scan, open_scan):
        with pytest.raises(InputError, match=r"of 11 slice\(s\) of 4 x 6, but the image has 12"):
            read(tmp_path / "long.h5")


def test_half_a_plane_or_no_field_of_view_is_not_known() -> None:
    arrays = arrays_of(GEOMETRY)
    assert geometry_in(Path("a"), arrays, (4, 6)) == GEOMETRY
    assert geometry_in(Path("a"), {}, (4, 6)) is None
    alone = {key: array for key, array in arrays.items() if "directions" not in key}
    assert geometry_in(Path("a"), alone, (4, 6)) == replace(GEOMETRY, planes=None)
    assert geometry_in(Path("a"), {"geometry/recon_matrix": np.ones(7)[:2].astype(int)}, (4, 6)) is None


def test_pictures_know_theirs(tmp_path: Path) -> None:
    """Those of formats that tell none have none."""
    np.save(tmp_path / "a.npy", np.ones((4, 6)))
    assert read_picture(tmp_path / "a.npy").geometry is None
