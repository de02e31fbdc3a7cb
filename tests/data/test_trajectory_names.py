"""What projects call trajectories, and what only looks like one by its name."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from invdiff.data import (
    NonCartesianScan,
    Scan,
    Trajectory,
    open_scan,
    radial,
    read_scan,
    shepp_logan,
    simulate,
    simulate_along,
    spiral,
)
from invdiff.data.formats import perhaps_trajectory as module
from invdiff.errors import InputError

SHAPE, COILS, SPOKES, SAMPLES = (20, 20), 3, 7, 40
SCAN = simulate_along(shepp_logan(SHAPE), radial(SPOKES, SAMPLES), coils=COILS, noise_std=0.01)
K, P = SCAN.kspace[0], SCAN.trajectory.points
COMPLEX = P[..., 0] + 1j * P[..., 1]
MATRIX = np.array(SHAPE)
GRID = simulate(shepp_logan(SHAPE), coils=COILS, noise_std=0.01).kspace[0]


def along(path: Path) -> NonCartesianScan:
    scan = open_scan(path)
    assert isinstance(scan, NonCartesianScan)
    np.testing.assert_array_equal(scan.kspace[0], K)
    np.testing.assert_allclose(scan.trajectory.points, P, atol=1e-7)
    return scan


@pytest.mark.parametrize("name", ["traj", "coord", "kcoord", "k_traj", "kspace_trajectory", "trj", "KTraj", "k"])
def test_names_in_use(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", kdata=K, matrix=MATRIX, **{name: P})
    along(tmp_path / "scan.npz")


def test_a_file_of_gpu_nufft(tmp_path: Path) -> None:
    """Samples, readouts, coils, and ``k`` in complex numbers; its matrix is not there."""
    arrays: dict[str, Any] = {"rawdata": K.T, "k": COMPLEX.T, "w": np.abs(COMPLEX.T)}
    savemat(tmp_path / "scan.mat", arrays)
    with pytest.raises(InputError, match="k is in cycles per pixel, which do not tell the matrix of the image"):
        open_scan(tmp_path / "scan.mat")
    savemat(tmp_path / "scan.mat", {**arrays, "matrix": MATRIX})
    along(tmp_path / "scan.mat")


def test_a_file_of_the_reproducibility_challenge(tmp_path: Path) -> None:
    """``rawdata`` (1, samples, readouts, coils) and ``trajectory`` (3, samples, readouts), in units of the grid."""
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["rawdata"] = K.T[None]
        file["trajectory"] = np.concatenate([P * MATRIX, 0 * P[..., :1]], axis=-1).T
    assert along(tmp_path / "scan.h5").matrix == SHAPE


def test_a_file_of_nu_fftw(tmp_path: Path) -> None:
    """``kdata`` (samples, 1) and ``kcoord`` (samples, 2) of all readouts, which points tell apart by leaps."""
    savemat(tmp_path / "scan.mat", {"kdata": K[0].reshape(-1, 1), "kcoord": P.reshape(-1, 2), "matrix": MATRIX})
    scan = open_scan(tmp_path / "scan.mat")
    assert isinstance(scan, NonCartesianScan)
    np.testing.assert_array_equal(scan.kspace[0], K[:1])
    np.testing.assert_allclose(scan.trajectory.points, P)


def test_coils_behind_samples(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", kdata=K.reshape(COILS, -1).T, coord=P.reshape(-1, 2), matrix=MATRIX)
    along(tmp_path / "scan.npz")


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_coordinates_in_two_arrays(suffix: str, tmp_path: Path) -> None:
    arrays = {"kdata": K, "kx": P[..., 0], "ky": P[..., 1]}
    path = tmp_path / f"scan{suffix}"
    if suffix == ".npz":
        np.savez(path, matrix=MATRIX, **arrays)
    else:
        savemat(path, {"matrix": MATRIX} | {name: array.T for name, array in arrays.items()})
    along(path)


@given(
    trajectory=st.sampled_from([radial(5, 30), radial(2, 16), spiral(1, 16), spiral(7, 24), spiral(3, 16, 3, 0.2)]),
    scale=st.floats(1e-3, 1e3),
    turned=st.booleans(),
    first=st.booleans(),
)
def test_trajectories_run_smoothly(trajectory: Trajectory, scale: float, turned: bool, first: bool) -> None:
    points = scale * (trajectory.points.swapaxes(0, 1) if turned else trajectory.points)
    assert module._runs_smoothly(points[..., 0] + 1j * points[..., 1], first=first)
    assert module._runs_smoothly(np.moveaxis(points, -1, 0) if first else points, first=first)


@given(seed=st.integers(0, 999), noise=st.floats(0, 1), sides=st.tuples(st.integers(16, 32), st.integers(16, 32)))
def test_k_space_does_not(seed: int, noise: float, sides: tuple[int, int]) -> None:
    low, high = np.sort(np.random.default_rng(seed).integers(0, 13, (2, 2)), axis=0)
    image = np.zeros(sides)
    image[low[0] : high[0] + 4, low[1] : high[1] + 4] = 1
    kspace = simulate(image, noise_std=noise, seed=seed).kspace[0, 0]
    drawn = np.random.default_rng(seed).standard_normal((2, *sides))
    assert not module._runs_smoothly(kspace, first=False)
    assert not module._runs_smoothly(drawn[0] + 1j * drawn[1], first=False)


@pytest.mark.parametrize("side", [1, 4, 12])
def test_k_space_of_small_objects_is_smooth_and_no_trajectory(side: int) -> None:
    image = np.zeros((64, 64))
    image[32 - side // 2 : 33 + side // 2, 30 : 30 + side] = 1
    assert not module._runs_smoothly(simulate(image, phase="none").kspace[0, 0], first=False)
    assert not module._runs_smoothly(np.exp(1j * np.add.outer(np.arange(64), np.arange(64)) / 9), first=False)


BESIDE: dict[str, dict[str, Any]] = {
    "k-space of another coil": {"k": GRID[0]},
    "k-space again": {"k": GRID},
    "the grid's coordinates": dict(zip(("kx", "ky"), np.meshgrid(*[np.arange(20.0) - 10] * 2), strict=True)),
    "the coordinates of lines": {"kx": np.arange(20.0) - 10, "ky": np.arange(20.0) - 10},
    "one coordinate": {"kx": np.arange(20.0) - 10},
    "coordinates of other shapes": {"kx": P[..., 0], "ky": P[:-1, :, 1]},
    "a number": {"k": np.array(3.0)},
    "a text": {"k": np.array("three")},
    "zeros": {"k": np.zeros((7, 40, 2))},
    "NaN": {"k": np.full((7, 40, 2), np.nan)},
}


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_no_trajectory_leaves_a_scan_on_its_grid(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", kspace=GRID[None], **BESIDE[name])
    np.testing.assert_array_equal(read_scan(tmp_path / "scan.npz").kspace[0], GRID)


def test_k_alone_is_k_space(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", k=GRID[None])
    scan = open_scan(tmp_path / "scan.npz")
    assert isinstance(scan, Scan)
    np.testing.assert_array_equal(scan.kspace[0], GRID)
