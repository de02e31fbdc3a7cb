"""Slices that were measured along trajectories of their own, from files to problems."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import ismrmrd
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from invdiff.data import NonCartesianScan, Trajectory, open_scan, radial, shepp_logan, simulate_along, write_scan
from invdiff.data.held_out import held_readouts
from invdiff.errors import InputError
from invdiff.operators import NonUniformFourier
from invdiff.reconstruction import scan_cases
from invdiff.reconstruction.audit import HeldCases
from tests.data.along_trajectory import header, opened

SHAPE, COILS, SPOKES, SAMPLES, SLICES = (20, 16), 3, 18, 40, 4
IMAGE = np.stack([np.roll(shepp_logan(SHAPE), k, axis=0) * (1 + k) for k in range(SLICES)])
P = radial(SLICES * SPOKES, SAMPLES).points.reshape(SLICES, SPOKES, SAMPLES, 2)  # the golden angle goes on
SCAN = simulate_along(IMAGE, Trajectory(P), coils=COILS, noise_std=0.01)
K = SCAN.kspace
MATRIX = np.array(SHAPE)


def cfl(path: Path, array: np.ndarray) -> None:
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{' '.join(map(str, array.shape))}\n")
    path.with_suffix(".cfl").write_bytes(array.astype("<c8").tobytes(order="F"))


def bart(path: Path) -> None:
    ones = [1] * 9
    cfl(path, K.transpose(3, 2, 1, 0).reshape(1, SAMPLES, SPOKES, COILS, *ones, SLICES))
    points = np.concatenate([P * MATRIX, np.zeros((*P.shape[:3], 1))], axis=-1)
    cfl(path.with_name("ksp_traj"), points.T.reshape(3, SAMPLES, SPOKES, 1, *ones, SLICES))


def raw(path: Path) -> None:
    with ismrmrd.Dataset(str(path), create_if_needed=True) as dataset:
        dataset.write_xml_header(header(SHAPE, (60, 48, 5), "radial"))
        for spoke, index in np.ndindex(SPOKES, SLICES):  # slices interleaved
            places = P[index, spoke].astype(np.float32)
            made = ismrmrd.Acquisition.from_array(np.ascontiguousarray(K[index, :, spoke]), places)
            made.center_sample, made.idx.slice, made.idx.kspace_encode_step_1 = SAMPLES // 2, index, spoke
            dataset.append_acquisition(made)


FILES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "as this package writes it": ("scan.h5", lambda path: write_scan(SCAN, path)),
    "npz": ("scan.npz", lambda path: np.savez(path, ksp=K, traj=P, matrix=MATRIX)),
    "npz, samples before readouts": (
        "scan.npz",
        lambda path: np.savez(path, ksp=K.swapaxes(2, 3), traj=P.swapaxes(1, 2), matrix=MATRIX),
    ),
    "npz, coordinates first": (
        "scan.npz",
        lambda path: np.savez(path, ksp=K, traj=np.moveaxis(P, -1, 0), matrix=MATRIX),
    ),
    "MATLAB": (
        "scan.mat",
        lambda path: savemat(path, {"kdata": K.T, "traj": (P[..., 0] + 1j * P[..., 1]).T, "matrix": MATRIX}),
    ),
    "BART": ("ksp.cfl", bart),
    "ISMRMRD": ("scan.h5", raw),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_holds_the_same_slices(name: str, tmp_path: Path) -> None:
    file, write = FILES[name]
    write(tmp_path / file)
    scan = opened(tmp_path / file)
    np.testing.assert_array_equal(scan.kspace, K)
    np.testing.assert_allclose(scan.trajectory.points, P, atol=1e-6)
    assert scan.matrix == SHAPE


def test_one_coil_needs_no_axis(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", ksp=K[:, 0], traj=P, matrix=MATRIX)
    np.testing.assert_array_equal(opened(tmp_path / "scan.npz").kspace, K[:, :1])


def test_slices_alike_are_one_trajectory(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", ksp=K, traj=np.repeat(P[:1], SLICES, axis=0), matrix=MATRIX)
    np.testing.assert_array_equal(opened(tmp_path / "scan.npz").trajectory.points, P[0])


@given(slices=st.lists(st.integers(-SLICES, SLICES - 1), min_size=1, max_size=5))
def test_some_slices_keep_their_points(slices: list[int]) -> None:
    some = SCAN.select(slices)
    np.testing.assert_array_equal(some.trajectory.points, P[slices])
    np.testing.assert_array_equal(some.kspace, K[slices])
    assert some.digest(0) == SCAN.digest(slices[0] % SLICES)


def test_points_tell_slices_apart() -> None:
    alike = replace(SCAN, kspace=K[[0] * 4], maps=None, ground_truth=None)
    assert len({alike.digest(index) for index in range(SLICES)}) == SLICES
    same = replace(alike, trajectory=Trajectory(P[0]))
    assert len({same.digest(index) for index in range(SLICES)}) == 1


@settings(max_examples=5)
@given(seed=st.integers(0, 99))
def test_every_slice_is_a_problem_along_its_own_points(seed: int) -> None:
    cases = scan_cases(SCAN, "non-cartesian")
    x = torch.randn(SHAPE, dtype=torch.complex64, generator=torch.manual_seed(seed))
    maps = torch.from_numpy(SCAN.maps[0])
    for number in range(SLICES):
        F = NonUniformFourier(torch.from_numpy(P[number].reshape(-1, 2)), SHAPE)
        torch.testing.assert_close(cases.problem(number).operator(x), F(maps * x), atol=1e-4, rtol=1e-4)
        truth = torch.from_numpy(SCAN.ground_truth[number])
        left = (cases.problem(number).y - cases.problem(number).operator(truth)).abs().square().mean()
        assert float(left) == pytest.approx(2 * 0.01**2, rel=0.1)


def test_maps_and_noise_are_those_of_all_slices() -> None:
    image = np.stack([shepp_logan((48, 40))] * 2)
    points = radial(2 * 30, 96).points.reshape(2, 30, 96, 2)
    scan = replace(simulate_along(image, Trajectory(points), coils=6, noise_std=0.005), maps=None, noise_std=None)
    cases = scan_cases(scan, "non-cartesian")
    assert cases.preparation is not None
    assert cases.preparation.noise_std == pytest.approx(0.005, rel=0.2)
    calibration = scan.with_calibration().calibration
    assert calibration is not None
    apart = np.linalg.norm(calibration[0] - calibration[1]) / np.linalg.norm(calibration)
    assert apart < 0.1  # the same image
    swapped = replace(scan, trajectory=Trajectory(points[::-1])).with_calibration().calibration
    assert swapped is not None
    assert np.linalg.norm(swapped - calibration) > 0.5 * np.linalg.norm(calibration)


@settings(max_examples=20)
@given(spokes=st.integers(8, 30), slices=st.integers(1, 4), side=st.integers(0, 12), seed=st.integers(0, 9))
def test_what_is_held_back_is_outside_the_centre_of_every_slice(spokes: int, slices: int, side: int, seed: int) -> None:
    points = radial(slices * spokes, 32).points.reshape(slices, spokes, 32, 2)
    held = held_readouts(Trajectory(points), (24, 24), side, 0.2, seed, least=3).reshape(spokes, 32)
    outside = (np.abs(points * 24) > side / 2).any(axis=-1).all(axis=0)
    np.testing.assert_array_equal(held, outside & held.any(axis=1, keepdims=True))


def test_a_slice_is_judged_by_its_own_readouts() -> None:
    held = HeldCases.of(scan_cases(SCAN, "non-cartesian"), 0.2, 0)
    for number in range(SLICES):
        hidden = held.parts(number).hidden
        left = hidden.y - hidden.operator(torch.from_numpy(SCAN.ground_truth[number]))
        assert float(left.abs().square().mean()) == pytest.approx(2 * 0.01**2, rel=0.3)


def test_other_numbers_of_slices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be \(4, coils, 18, 40\)"):
        replace(SCAN, kspace=K[:3], maps=None, ground_truth=None)
    np.savez(tmp_path / "scan.npz", ksp=K[:3], traj=P, matrix=MATRIX)
    with pytest.raises(InputError, match="must be those of the points"):
        open_scan(tmp_path / "scan.npz")
    bart(tmp_path / "ksp.cfl")
    cfl(tmp_path / "ksp_traj", np.zeros((3, SAMPLES, SPOKES, *[1] * 10, 3)))
    with pytest.raises(InputError, match="which may have slices"):
        open_scan(tmp_path / "ksp.cfl")


def test_slices_of_fewer_readouts_are_refused(tmp_path: Path) -> None:
    raw(tmp_path / "scan.h5")
    with h5py.File(tmp_path / "scan.h5", "r+") as file:
        rows = file["dataset/data"][:-1]
        kind = file["dataset/data"].dtype
        del file["dataset/data"]
        file.create_dataset("dataset/data", data=rows, dtype=kind)
    with pytest.raises(InputError, match="split the file by slice"):
        open_scan(tmp_path / "scan.h5")


@pytest.mark.parametrize("count", [1, SLICES - 1, SLICES + 1])
def test_images_of_other_slices_are_refused(count: int) -> None:
    with pytest.raises(InputError, match=rf"{count} slice\(s\), and the trajectory points for each of {SLICES}"):
        simulate_along(np.ones((count, *SHAPE)), Trajectory(P), coils=COILS)


def test_many_slices_in_memory_keep_their_points() -> None:
    many = 3
    scan = SCAN.select([k % SLICES for k in range(many * SLICES)])  # more than are learnt from
    known = scan_cases(scan, "non-cartesian", noise_std=0.01).measured
    assert isinstance(known, NonCartesianScan)
    np.testing.assert_array_equal(known.trajectory.points, np.concatenate([P] * many))
    assert known.kspace.shape[0] == many * SLICES
