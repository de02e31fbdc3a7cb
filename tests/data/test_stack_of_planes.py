"""Stacks of stars and of spirals become slices, whose samples are those of the slices' own images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ismrmrd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import Trajectory, open_scan, radial, simulate_along, spiral
from invdiff.data.stack_of_planes import is_flat, unstacked
from invdiff.errors import InputError
from invdiff.reconstruction import scan_cases
from tests.data.along_trajectory import opened

SHAPE, COILS, PLANES, SPOKES, SAMPLES = (20, 16), 3, 6, 7, 40


def seen(trajectory: Trajectory, planes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The samples of random slices, ``(slices, coils, readouts, samples)``, and of the stack of planes that they are,
    ``(coils, planes, readouts, samples)``, by their sum over z."""
    image = np.random.default_rng(seed).standard_normal((planes, *SHAPE)) + 0j
    slices = simulate_along(image, trajectory, coils=COILS).kspace
    z = np.arange(planes) - planes // 2
    kz = np.arange(planes) - planes // 2
    waves = np.exp(-2j * np.pi * kz[:, None] * z / planes) / np.sqrt(planes)
    return slices, np.einsum("kz,zcrs->ckrs", waves, slices)


def lifted(trajectory: Trajectory, planes: int, apart: float, shift: float = 0.0) -> np.ndarray:
    """Its points in every plane, ``(planes, readouts, samples, 3)``."""
    heights = apart * (np.arange(planes) - planes // 2 + shift)
    flat = np.broadcast_to(trajectory.points, (planes, *trajectory.points.shape))
    return np.concatenate([flat, np.broadcast_to(heights[:, None, None, None], (*flat.shape[:3], 1))], axis=-1)


def flattened(kspace: np.ndarray, points: np.ndarray, seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """All readouts of a stack one behind the other; those of the first plane in their order, others mixed by a seed."""
    planes, readouts = points.shape[:2]
    order = np.arange(planes * readouts)
    if seed is not None:
        order = np.random.default_rng(seed).permutation(order)
        order[order < readouts] = np.arange(readouts)
    return kspace.reshape(COILS, planes * readouts, -1)[:, order], points.reshape(-1, *points.shape[2:])[order]


@settings(max_examples=25)
@given(
    planes=st.integers(2, 7),
    apart=st.floats(0.01, 100),
    seed=st.integers(0, 99),
    trajectory=st.sampled_from([radial(5, 24), spiral(2, 20)]),
)
def test_planes_in_any_order_become_slices(planes: int, apart: float, seed: int, trajectory: Trajectory) -> None:
    slices, stack = seen(trajectory, planes, seed)
    kspace, points = flattened(stack, lifted(trajectory, planes, apart), seed)
    found = unstacked(kspace, points, "traj")
    np.testing.assert_allclose(found.kspace, slices, atol=1e-5 * np.abs(slices).max())
    np.testing.assert_array_equal(found.points, trajectory.points)
    assert found.apart == pytest.approx(apart)
    assert np.linalg.norm(found.kspace) == pytest.approx(np.linalg.norm(kspace), rel=1e-5)  # noise keeps its level


@settings(max_examples=10)
@given(half=st.integers(1, 4), seed=st.integers(0, 99))
def test_planes_evenly_about_zero_change_phases_alone(half: int, seed: int) -> None:
    planes, spokes = 2 * half, radial(5, 24)
    slices = np.random.default_rng(seed).standard_normal((planes, COILS, 5, 24))
    kz, z = np.arange(planes) - half + 0.5, np.arange(planes) - half
    stack = np.einsum("kz,zcrs->ckrs", np.exp(-2j * np.pi * kz[:, None] * z / planes) / planes**0.5, slices)
    found = unstacked(*flattened(stack, lifted(spokes, planes, 0.3, 0.5)), "traj")
    np.testing.assert_allclose(found.kspace, slices, atol=1e-5)


def test_what_has_no_third_coordinate_is_flat() -> None:
    points = radial(5, 24).points
    assert is_flat(points)
    assert is_flat(np.concatenate([points, 1e-8 * points[..., :1]], axis=-1))
    assert not is_flat(lifted(radial(5, 24), 2, 0.1))


RADIAL = radial(SPOKES, SAMPLES)
SLICES, STACK = seen(RADIAL, PLANES)
MATRIX = np.array(SHAPE)
GRID = lifted(Trajectory(RADIAL.points), PLANES, 1.0) * [*SHAPE, 1]


def cfl(path: Path, array: np.ndarray) -> None:
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{' '.join(map(str, array.shape))}\n")
    path.with_suffix(".cfl").write_bytes(array.astype("<c8").tobytes(order="F"))


def bart(path: Path) -> None:
    kspace, points = flattened(STACK, GRID)
    cfl(path, kspace.transpose(2, 1, 0)[None])
    cfl(path.with_name("traj"), points.T)


Change = Callable[[Any, int, int], None]


def raw(
    dimensions: int, depth: int = PLANES, recon: int = PLANES, z_mm: float = 5.0, change: Change = lambda *_: None
) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        def space(name: str, z: int) -> str:
            size = f"<matrixSize><x>{SHAPE[0]}</x><y>{SHAPE[1]}</y><z>{z}</z></matrixSize>"
            mm = f"<fieldOfView_mm><x>60</x><y>48</y><z>{z_mm * z}</z></fieldOfView_mm>"
            return f"<{name}>{size}{mm}</{name}>"

        kind = "goldenangle" if dimensions == 0 else "radial"
        with ismrmrd.Dataset(str(path), create_if_needed=True) as dataset:
            dataset.write_xml_header(
                '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>'
                f"{space('encodedSpace', depth)}{space('reconSpace', recon)}<encodingLimits/>"
                f"<trajectory>{kind}</trajectory></encoding></ismrmrdHeader>".encode()
            )
            for spoke, plane in np.ndindex(SPOKES, PLANES):
                plane = (5 * plane + 1) % PLANES  # another order of planes
                places = GRID[plane, spoke, :, :dimensions].astype(np.float32) if dimensions else None
                samples = np.ascontiguousarray(STACK[:, plane, spoke], np.complex64)
                made = ismrmrd.Acquisition.from_array(samples, places)
                made.center_sample, made.idx.kspace_encode_step_1, made.idx.kspace_encode_step_2 = 20, spoke, plane
                made.position[:] = (1, 2, 3)
                made.read_dir[0] = made.phase_dir[1] = made.slice_dir[2] = 1
                change(made, spoke, plane)
                dataset.append_acquisition(made)

    return write


def npz(points: np.ndarray, kspace: np.ndarray = STACK, matrix: tuple[int, ...] = SHAPE) -> Callable[[Path], None]:
    return lambda path: np.savez(path, ksp=kspace, traj=points, matrix=np.array(matrix))


def hdf5(path: Path) -> None:
    """As three-dimensional k-space on a grid would lie, (1, coils, z, y, x)."""
    with h5py.File(path, "w") as file:
        file.update({"kspace": STACK[None].astype(np.complex64), "trajectory": GRID, "matrix": MATRIX})


FILES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "npz, coils outside of planes": ("scan.npz", npz(GRID)),
    "npz, planes outside of coils": ("scan.npz", npz(GRID, STACK.swapaxes(0, 1))),
    "npz, readouts of all planes": ("scan.npz", npz(*flattened(STACK, GRID, 3)[::-1])),
    "HDF5, as a volume": ("scan.h5", hdf5),
    "npz, a matrix of three": ("scan.npz", npz(GRID, matrix=(*SHAPE, PLANES))),
    "npz, cycles per pixel": ("scan.npz", npz(lifted(RADIAL, PLANES, 1 / PLANES))),
    "BART": ("ksp.cfl", bart),
    "ISMRMRD, three coordinates": ("scan.h5", raw(3)),
    "ISMRMRD, partitions": ("scan.h5", raw(2)),
    "ISMRMRD, golden angle": ("scan.h5", raw(0)),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_holds_the_same_slices(name: str, tmp_path: Path) -> None:
    file, write = FILES[name]
    write(tmp_path / file)
    scan = opened(tmp_path / file)
    np.testing.assert_allclose(scan.kspace, SLICES, atol=1e-5 * np.abs(SLICES).max())
    np.testing.assert_allclose(scan.trajectory.points, RADIAL.points, atol=1e-6)
    assert scan.matrix == SHAPE


@pytest.mark.parametrize("first", [-5, 0, 2])
def test_planes_counted_from_anywhere_turn_the_phases_of_slices(first: int, tmp_path: Path) -> None:
    shifted = GRID + np.array([0, 0, first + PLANES // 2])
    npz(shifted, matrix=(*SHAPE, PLANES))(tmp_path / "scan.npz")
    found = opened(tmp_path / "scan.npz").kspace
    inner = (found * SLICES.conj()).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(np.abs(inner), (np.abs(SLICES) ** 2).sum(axis=(1, 2, 3)), rtol=1e-4)


def test_oversampled_planes_are_cropped_and_lie_where_they_were(tmp_path: Path) -> None:
    raw(3, recon=4)(tmp_path / "scan.h5")
    scan = opened(tmp_path / "scan.h5")
    np.testing.assert_allclose(scan.kspace, SLICES[1:5], atol=1e-5 * np.abs(SLICES).max())
    assert scan.geometry is not None
    assert scan.geometry.planes is not None
    assert [plane.position for plane in scan.geometry.planes] == [(1, 2, 3 + 5 * k) for k in (-2, -1, 0, 1)]


def test_slices_are_problems(tmp_path: Path) -> None:
    image = np.zeros((PLANES, *SHAPE))
    image[2, 5:12, 4:10] = 1
    slices = simulate_along(image, radial(18, SAMPLES), coils=COILS, phase="none")
    kz = np.arange(PLANES) - PLANES // 2
    waves = np.exp(-2j * np.pi * np.outer(kz, kz) / PLANES) / PLANES**0.5
    points = lifted(radial(18, SAMPLES), PLANES, 1.0) * [*SHAPE, 1]
    maps = np.repeat(slices.maps, 1, axis=0)
    stack = np.einsum("kz,zcrs->ckrs", waves, slices.kspace)
    np.savez(tmp_path / "scan.npz", ksp=stack, traj=points, matrix=MATRIX, maps=maps[0], noise_std=0.01)
    cases = scan_cases(open_scan(tmp_path / "scan.npz"), "non-cartesian")
    shown = np.abs(cases.zero_filled)
    assert len(shown) == PLANES
    assert shown[2, 6:11, 5:9].mean() > 20 * np.delete(shown, 2, axis=0).max()


def koosh() -> np.ndarray:
    directions = np.random.default_rng(0).standard_normal((PLANES * SPOKES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return 16 * directions[:, None] * np.linspace(-0.5, 0.5, SAMPLES)[:, None]


def changed(**fields: int) -> Change:
    def change(one: Any, spoke: int, plane: int) -> None:
        for name, value in fields.items():
            if spoke == 2 and plane == 1:
                setattr(one.idx, name, value)

    return change


def upwards(one: Any, spoke: int, plane: int) -> None:
    """From the centre to one side of three-dimensional k-space: no weights."""
    one.traj[:, 2] = np.linspace(0, 1 + spoke, SAMPLES)


FLAT = flattened(STACK, GRID)
TURNED = GRID.copy()
TURNED[2, :, :, :2] = TURNED[2, :, :, :2] @ [[0.8, 0.6], [-0.6, 0.8]]
MISSING = np.delete(GRID, 1, axis=0), np.delete(STACK, 1, axis=1)
BAD: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "spokes in all directions": ("scan.npz", npz(koosh(), FLAT[0]), "no stack of planes .* NonUniformFourier"),
    "one spoke across planes": ("scan.npz", npz(koosh()[:1, :, [0, 2, 1]], FLAT[0][:, :1]), "no stack of planes"),
    "planes of other spokes": ("scan.npz", npz(TURNED), "6 planes whose readouts differ"),
    "planes of fewer spokes": ("scan.npz", npz(FLAT[1][:-1], FLAT[0][:, :-1]), "6 planes whose readouts differ"),
    "spokes to one side": ("scan.h5", raw(3, change=upwards), "no stack of planes"),
    "a missing plane": ("scan.npz", npz(*MISSING), "5 height.s. from -3 to 2, 1 apart at least, of which some are"),
    "one side of planes": ("scan.npz", npz(GRID[:3], STACK[:, :3]), "some are missing"),
    "one plane beside zero": ("scan.npz", npz(GRID[0], STACK[:, 0]), "1 height.s. from -3 to -3, .* some are missing"),
    "planes too far apart": ("scan.npz", npz(GRID * [1, 1, 2]), "6 planes along kz, 2 apart"),
    "planes of the header missing": ("scan.h5", raw(3, depth=12), "6 planes along kz, of 12 that the file speaks of"),
    "planes of the file missing": ("scan.npz", npz(GRID, matrix=(*SHAPE, 12)), "of 12 that the file speaks of"),
    "a plane where there are several": (
        "scan.npz",
        npz(GRID[0] * [1, 1, 0], STACK[:, 0], (*SHAPE, 6)),
        "one plane, wh",
    ),
    "a matrix of four": ("scan.npz", npz(GRID, matrix=(*SHAPE, 6, 6)), "or three"),
    "two slabs": ("scan.h5", raw(2, change=lambda one, s, p: setattr(one.idx, "slice", s % 2)), "split the file by sl"),
    "a spoke twice": ("scan.h5", raw(2, change=changed(kspace_encode_step_2=2)), "readouts differ"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_stack_is_refused(name: str, tmp_path: Path) -> None:
    file, write, said = BAD[name]
    write(tmp_path / file)
    with pytest.raises(InputError, match=said) as refused:
        open_scan(tmp_path / file)
    assert "scan" in str(refused.value)
