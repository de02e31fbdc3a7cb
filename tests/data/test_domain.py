"""Images and their k-space are told apart, and nothing else is taken for an image."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import open_scan, read_scan, shepp_logan, simulate, to_image
from invdiff.data.domain import is_image

SIDES = st.integers(72, 128)


def phantom(height: int, width: int, coils: int, noise: float, seed: int) -> np.ndarray:
    """k-space ``(coils, H, W)``, the noise relative to the root mean square of the image."""
    return simulate(shepp_logan((height, width)), coils=coils, noise_std=0.2 * noise, seed=seed).kspace[0]


@given(SIDES, SIDES, st.integers(1, 4), st.floats(0, 0.5), st.integers(0, 99))
def test_kspace_is_no_image_and_its_transform_is(height: int, width: int, coils: int, noise: float, seed: int) -> None:
    kspace = phantom(height, width, coils, noise, seed)
    assert not is_image(kspace)
    assert is_image(to_image(kspace)) or noise > 0.1
    assert is_image(1e30 * to_image(kspace)) == is_image(to_image(kspace))


def test_what_is_neither_is_no_image() -> None:
    rng = np.random.default_rng(0)
    noise = (rng.standard_normal((2, 64, 48)) + 1j * rng.standard_normal((2, 64, 48))).astype(np.complex64)
    point = np.ones((1, 64, 48), np.complex64)
    half = noise * (np.arange(48) % 4 == 0)
    assert not any(map(is_image, (noise, point, half, noise[:, :8, :8], np.zeros_like(noise))))


def test_measured_kspace_is_no_image_and_its_transform_is(shared_data: Path) -> None:
    told = {}
    for path in sorted((shared_data / "kspace").glob("*.h5")):
        with h5py.File(path) as file:
            kspace = file["kspace"][0]
        assert not is_image(kspace), path.name
        told[path.stem] = is_image(to_image(kspace))
    assert [name for name, told_one in told.items() if not told_one and "norfcage" not in name] == []


@pytest.mark.parametrize("count", [1, 12])  # of slices: read whole, and one by one
def test_an_image_in_the_place_of_kspace_is_told(tmp_path: Path, count: int) -> None:
    images = np.stack([shepp_logan((96, 80))] * count)[:, None]
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["kspace"] = images
    for read in (read_scan, open_scan):
        scan = read(tmp_path / "scan.h5")
        assert [remark for remark in scan.remarks if "those of an image" in remark]
        np.testing.assert_array_equal(scan.select([0]).kspace[0], images[0])  # moved by nothing
