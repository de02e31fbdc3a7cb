"""Coil maps, masks and noise in files beside a scan's."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from invdiff.data import Scan, open_scan, read_scan, shepp_logan, simulate, write_scan
from invdiff.data.formats import given_of
from invdiff.data.masks import equispaced
from invdiff.errors import InputError

SHAPE = (20, 16)
FULL = simulate(np.stack([shepp_logan(SHAPE)] * 3), coils=4, noise_std=0.01)
MAPS, MASK = FULL.maps, equispaced(SHAPE, 2, 6)
NOISE = FULL.kspace[0, :, :, 0]


def write_cfl(stem: Path, array: np.ndarray) -> None:
    Path(f"{stem}.hdr").write_text(f"# Dimensions\n{' '.join(map(str, array.shape))}\n")
    Path(f"{stem}.cfl").write_bytes(array.astype("<c8").tobytes(order="F"))


def write_h5(path: Path, **arrays: Any) -> None:
    with h5py.File(path, "w") as file:
        file.update(arrays)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    write_scan(Scan(FULL.kspace), tmp_path / "scan.h5")
    return tmp_path / "scan.h5"


BART = MAPS.transpose(2, 3, 1, 0)  # (H, W, coils, slices)
FILES = {
    "maps.npy": lambda path: np.save(path, MAPS),
    "maps_one.npy": lambda path: np.save(path, MAPS[0]),
    "maps_last.npy": lambda path: np.save(path, MAPS.transpose(0, 2, 3, 1)),
    "maps.npz": lambda path: np.savez(path, sens=MAPS, other=np.ones(3)),
    "maps.h5": lambda path: write_h5(path, csm=MAPS),
    "alone.h5": lambda path: write_h5(path, whatever=MAPS),
    "maps.mat": lambda path: savemat(path, {"S": BART}),
    "maps.cfl": lambda path: write_cfl(path.with_suffix(""), BART.reshape(*SHAPE, 1, 4, *[1] * 9, 3)),
    "one.cfl": lambda path: write_cfl(path.with_suffix(""), BART[:, :, None, :, 0]),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("suffix", [True, False])
def test_maps_of_every_format(scan: Path, name: str, suffix: bool) -> None:
    path = scan.parent / name
    FILES[name](path)
    given = path if suffix else path.with_suffix("")
    for found in (read_scan(scan, maps=given), open_scan(scan, given=given_of(maps=given))):
        np.testing.assert_array_equal(found.maps, MAPS)


def test_two_sets_of_barts_maps(scan: Path) -> None:
    sets = np.stack([MAPS[0], MAPS[0] * 1j])  # (sets, coils, H, W)
    write_cfl(scan.parent / "two", sets.transpose(2, 3, 1, 0)[:, :, None])
    np.testing.assert_array_equal(read_scan(scan, maps=scan.parent / "two").maps, np.stack([sets] * 3))


@pytest.mark.parametrize("mask", [MASK, MASK[0], MASK[None].repeat(3, 0), MASK[0].reshape(1, 1, -1, 1).astype(float)])
def test_what_a_mask_leaves_out_is_left_out_and_told(scan: Path, mask: np.ndarray) -> None:
    np.save(scan.parent / "mask.npy", mask)
    found = read_scan(scan, mask=scan.parent / "mask.npy")
    np.testing.assert_array_equal(found.sampled, MASK)
    np.testing.assert_array_equal(found.kspace, FULL.kspace * MASK)
    assert len(found.remarks) == 1
    assert "holds signal where" in found.remarks[0]
    write_scan(found, scan)
    assert read_scan(scan, mask=scan.parent / "mask.npy").remarks == ()


def test_a_mask_as_a_picture(scan: Path) -> None:
    Image.fromarray(MASK).save(scan.parent / "mask.png")  # white is 255
    np.testing.assert_array_equal(read_scan(scan, mask=scan.parent / "mask.png").sampled, MASK)
    Image.fromarray((MASK * np.arange(MASK.shape[1]) % 7).astype(np.uint8)).save(scan.parent / "mask.png")
    with pytest.raises(InputError, match="numbers other than 0 and 1"):
        read_scan(scan, mask=scan.parent / "mask.png")
    Image.fromarray(MASK.astype(np.uint8)).save(scan.parent / "mask.png")
    np.testing.assert_array_equal(read_scan(scan, mask=scan.parent / "mask.png").sampled, MASK)


@pytest.mark.parametrize("noise", [NOISE, NOISE.T, np.stack([NOISE.real, NOISE.imag], -1), NOISE.reshape(4, 5, 4)])
def test_noise_is_any_array_with_an_axis_of_coils(scan: Path, noise: np.ndarray) -> None:
    np.save(scan.parent / "noise.npy", noise)
    np.testing.assert_array_equal(read_scan(scan, noise=scan.parent / "noise.npy").noise, NOISE)
    write_cfl(scan.parent / "noise_cfl", NOISE.T.reshape(20, 1, 1, 4))
    np.testing.assert_array_equal(read_scan(scan, noise=scan.parent / "noise_cfl.hdr").noise, NOISE)


def test_long_files_are_completed_slice_by_slice(tmp_path: Path) -> None:
    many, maps = np.repeat(FULL.kspace, 4, axis=0), MAPS[0] * np.arange(1, 13)[:, None, None, None]
    write_scan(Scan(many), tmp_path / "long.h5")
    np.save(tmp_path / "maps.npy", maps.astype(np.complex64))
    np.save(tmp_path / "mask.npy", MASK)
    given = given_of(maps=tmp_path / "maps.npy", mask=tmp_path / "mask.npy")
    opened, whole = (
        open_scan(tmp_path / "long.h5", given=given),
        read_scan(tmp_path / "long.h5", maps=given.maps, mask=given.mask),
    )
    assert not isinstance(opened, Scan)
    np.testing.assert_array_equal(opened.mask, MASK)
    np.testing.assert_array_equal(opened.select([9, 2]).maps, whole.select([9, 2]).maps)
    np.testing.assert_array_equal(opened.select([9]).kspace, whole.select([9]).kspace)
    assert opened.remarks == whole.remarks
    assert [opened.digest(index) for index in range(12)] == [whole.digest(index) for index in range(12)]


@pytest.mark.parametrize(
    ("holds", "array", "words"),
    [
        ("maps", MAPS[:, :3], r"maps has shape \(3, 3, 20, 16\), but kspace asks for 3 along slice, 4 along coil"),
        ("maps", np.abs(MAPS), "maps has shape"),
        ("maps", MAPS * np.nan, "maps of shape .* holds NaN"),
        ("mask", np.ones(15), r"the mask has shape \(15,\)"),
        ("mask", np.full(16, 0.5), "numbers other than 0 and 1"),
        ("mask", np.zeros(16), "all of them zero"),
        ("noise", NOISE[:3], r"noise has shape \(3, 20\)"),
        ("noise", np.abs(NOISE), "noise of shape .* not complex numbers"),
        ("noise", np.array(["a"]), "not numbers"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_names_of_both_files(
    scan: Path, holds: str, array: np.ndarray, words: str
) -> None:
    np.save(scan.parent / "other.npy", array)
    with pytest.raises(InputError, match=words) as caught:
        read_scan(scan, **{holds: scan.parent / "other.npy"})
    assert "other.npy" in str(caught.value)


def test_files_that_hold_no_companion(scan: Path) -> None:
    write_h5(scan.parent / "two.h5", a=MAPS, b=MAPS)
    with pytest.raises(InputError, match=r"nothing of a name that coil maps go by; it holds a .*, b .*name it maps"):
        read_scan(scan, maps=scan.parent / "two.h5")
    with pytest.raises(InputError, match="absent does not exist; give the path of coil maps"):
        read_scan(scan, maps=scan.parent / "absent")
    np.save(scan.parent / "two.npy", MAPS)
    with pytest.raises(
        InputError, match=r"two does not exist; there are two\.h5, two\.npy; give the path of coil maps"
    ):
        read_scan(scan, maps=scan.parent / "two")
