"""The centre of k-space on a grid, and its noise, against the truth of simulated scans."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import NonCartesianScan, Trajectory, radial, shepp_logan, simulate_along, spiral, to_kspace
from invdiff.data import gridding as module
from invdiff.data.masks import central
from invdiff.errors import InputError

SHAPE = (64, 60)
IMAGE = shepp_logan(SHAPE)


def grid(shape: tuple[int, int]) -> Trajectory:
    along = [(np.arange(n) - n // 2) / n for n in shape]
    return Trajectory(np.stack(np.meshgrid(*along, indexing="ij"), axis=-1))


def scan(trajectory: Trajectory, noise_std: float, seed: int = 0, coils: int = 4) -> NonCartesianScan:
    return simulate_along(IMAGE, trajectory, coils=coils, noise_std=noise_std, seed=seed)


def centre(measured: NonCartesianScan) -> np.ndarray:
    found = measured.with_calibration().calibration
    assert found is not None
    return found


def truth(measured: NonCartesianScan, side: int) -> np.ndarray:
    whole = to_kspace(measured.maps * measured.ground_truth[:, None])
    return whole[:, :, *central(SHAPE, (side, side))]


def error(measured: NonCartesianScan) -> float:
    found = centre(measured)
    expected = truth(measured, found.shape[-1])
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def test_on_the_grid_it_is_k_space() -> None:
    assert error(scan(grid(SHAPE), 0.0)) < 0.01


@pytest.mark.parametrize(
    ("trajectory", "most"), [(radial(34, 128), 0.08), (spiral(8, 64, 3, 0.3), 0.2)], ids=["radial", "spiral"]
)
def test_off_the_grid_it_is_nearly(trajectory: Trajectory, most: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert error(scan(trajectory, 0.0)) < most
    monkeypatch.setattr(module, "central", lambda shape, sides: central(tuple(n + 2 for n in shape), sides))
    assert error(scan(trajectory, 0.0)) > 0.5  # a centre that is a position off


@settings(max_examples=5)
@given(seed=st.integers(0, 1000), level=st.floats(0.005, 0.05))
def test_what_is_left_is_noise(seed: int, level: float) -> None:
    noise = scan(radial(34, 128), level, seed).own_noise()
    assert noise.std == pytest.approx(level, rel=0.15)
    assert noise.covariance is not None
    np.testing.assert_allclose(np.diag(noise.covariance).real, level**2, rtol=0.5)


def test_the_noise_of_each_coil_is_told() -> None:
    quiet = scan(radial(34, 128), 0.01)
    drawn = np.random.default_rng(1).standard_normal((2, *quiet.kspace.shape[2:]), np.float32)
    kspace = quiet.kspace.copy()
    kspace[:, 2] += 0.03 * (drawn[0] + 1j * drawn[1])
    covariance = replace(quiet, kspace=kspace).own_noise().covariance
    assert covariance is not None
    levels = np.sqrt(np.diag(covariance).real)
    assert levels[2] > 2.5 * levels[[0, 1, 3]].max()


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_scale_does_not_count(scale: float) -> None:
    one = scan(radial(20, 128), 0.01)
    other = replace(one, kspace=(one.kspace * scale).astype(np.complex64))
    differs = np.linalg.norm(centre(other) / scale - centre(one))
    assert differs < 0.01 * np.linalg.norm(centre(one))  # sums of other numbers are rounded otherwise
    assert other.own_noise().std / scale == pytest.approx(one.own_noise().std, rel=1e-3)


def test_too_few_spokes_are_refused_with_how_many_it_takes() -> None:
    few = replace(scan(radial(9, 128), 0.01), maps=None)
    for ask in (few.own_noise, few.with_calibration):
        with pytest.raises(InputError, match=r"9 readouts fill too little .* 14 spokes"):
            ask()
    assert scan(radial(14, 128), 0.01).own_noise().std > 0


def test_samples_that_are_no_more_than_what_is_fitted_tell_no_noise() -> None:
    with pytest.raises(InputError, match="give --noise-std"):
        scan(grid(SHAPE), 0.01).own_noise()
