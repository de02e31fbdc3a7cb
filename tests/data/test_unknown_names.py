"""Arrays that no layout knows by name: the only one that can be k-space is, and says so."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from invdiff.data import read_scan, shepp_logan, simulate
from invdiff.errors import InputError

SCAN = simulate(shepp_logan((48, 40)), coils=6, noise_std=0.002)
K, MAPS = SCAN.kspace, SCAN.maps


def matlab(array: np.ndarray) -> np.ndarray:
    """(1, coils, H, W) as MATLAB has it: (H, W, coils)."""
    return array[0].transpose(1, 2, 0)


def test_the_only_complex_array_is_kspace(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"DATA": matlab(K), "weights": np.ones((48, 40)), "times": np.arange(9) * 1j})
    scan = read_scan(tmp_path / "a.mat")
    np.testing.assert_array_equal(scan.kspace, K)
    assert "DATA was taken for k-space" in scan.remarks[0]


def test_axes_that_are_said_are_heeded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", values=K[0])
    scan = read_scan(tmp_path / "a.npz", axes="slice,y,x")
    assert scan.kspace.shape == (6, 1, 48, 40)
    assert scan.remarks == ()


@pytest.mark.parametrize(
    "arrays",
    [
        {"DATA": K, "other": K},  # which of them?
        {"img": shepp_logan((96, 80)) * (1 + 0j)},  # an image
        {"image": K},  # known for something else
        {"values": abs(K)},  # no complex numbers
    ],
)
def test_what_may_be_something_else_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match="no dataset 'kspace'; it holds"):
        read_scan(tmp_path / "a.npz")


def test_names_are_known_however_they_spell_capitals(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"kData": matlab(K), "Coil_Sens": matlab(MAPS)})
    scan = read_scan(tmp_path / "a.mat")
    np.testing.assert_array_equal(scan.kspace, K)
    np.testing.assert_array_equal(scan.maps, MAPS)


@pytest.mark.parametrize("third", [0, 1])
def test_an_axis_of_length_one_tells_nothing_in_matlabs_order(tmp_path: Path, third: int) -> None:
    """(H, W, 1, coils), as of one partition, and (H, W, coils), which MATLAB makes of (H, W, coils, 1)."""
    savemat(tmp_path / "a.mat", {"raw": np.expand_dims(matlab(K), 2 + third)})
    np.testing.assert_array_equal(read_scan(tmp_path / "a.mat").kspace, K)


def test_slices_behind_an_axis_of_length_one_stay_slices(tmp_path: Path) -> None:
    slices = simulate(np.stack([np.roll(shepp_logan((48, 40)) ** k, 3 * k, 0) for k in range(1, 7)]), noise_std=0.002)
    savemat(tmp_path / "a.mat", {"kspace": slices.kspace.transpose(2, 3, 1, 0)})
    np.testing.assert_array_equal(read_scan(tmp_path / "a.mat").kspace, slices.kspace)


def test_arrays_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"raw3D": np.zeros((9, 9, 9), np.complex64)})
    content = bytearray((tmp_path / "a.mat").read_bytes())
    place = content.index(np.array([9, 9, 9], "<i4").tobytes())
    content[place : place + 12] = np.array([9000, 900, 90], "<i4").tobytes()
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"it holds raw3D \(damaged\)"):
        read_scan(tmp_path / "a.mat")
