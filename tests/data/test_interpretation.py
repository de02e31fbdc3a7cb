"""How the k-space of a file is meant, of all its slices together, however it is read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.data import Scan, ScanFile, estimate_noise, open_scan, read_scan, shepp_logan, simulate, to_image
from invdiff.data.edge_noise import edge_noise
from invdiff.data.interpretation import interpreted
from invdiff.data.masks import equispaced

SHAPE = (48, 56)
COUNT = 10
LEVEL = 0.03
LINES = equispaced(SHAPE, 2, 14)
MEASURED = simulate(
    np.stack([np.roll(np.pad(shepp_logan((36, 40)).real, ((6, 6), (8, 8))), k, axis=0) for k in range(COUNT)]),
    coils=4,
    mask=LINES,
    noise_std=LEVEL,
)
KSPACE = MEASURED.kspace

Arrays = dict[str, np.ndarray]


def padded() -> Arrays:
    """The mask runs over columns that were not measured."""
    kspace = KSPACE.copy()
    kspace[..., :6] = kspace[..., -8:] = 0
    return {"kspace": kspace, "mask": LINES}


def lost_line() -> Arrays:
    kspace = KSPACE.copy()
    kspace[..., np.flatnonzero(LINES[0])[3]] = 0
    return {"kspace": kspace, "mask": LINES}


def line_of_one_slice() -> Arrays:
    """It is exactly zero in one slice alone, which is a value."""
    kspace = KSPACE.copy()
    kspace[3, ..., np.flatnonzero(LINES[0])[3]] = 0
    return {"kspace": kspace}


def dead_samples() -> Arrays:
    kspace = KSPACE.copy()
    kspace[:, :, 20, 30] = kspace[:, :, 7, 9] = 0
    return {"kspace": kspace}


def corner() -> Arrays:
    return {"kspace": np.fft.ifftshift(KSPACE, (-2, -1)), "mask": np.fft.ifftshift(LINES)}


def of_numpy() -> Arrays:
    full = simulate(to_image(MEASURED.kspace)[:, 0], coils=1, noise_std=LEVEL)
    return {"kspace": np.fft.fft2(to_image(full.kspace), norm="ortho").astype(np.complex64)}


FILES = [padded, lost_line, line_of_one_slice, dead_samples, corner, of_numpy]


def written(arrays: Arrays, path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.update(arrays)
    return path


def check_alike(one: Scan, other: Scan) -> None:
    np.testing.assert_array_equal(one.sampled, other.sampled)
    np.testing.assert_array_equal(one.kspace, other.kspace)
    assert one.remarks == other.remarks


@pytest.mark.parametrize("make", FILES)
def test_a_scan_read_slice_by_slice_is_meant_as_the_scan_in_memory(make: Callable[[], Arrays], tmp_path: Path) -> None:
    path = written(make(), tmp_path / "scan.h5")
    found, whole = open_scan(path), read_scan(path)
    assert isinstance(found, ScanFile)
    check_alike(found.select(range(COUNT)), whole)
    np.testing.assert_array_equal(found.sampled, whole.sampled)
    assert found.remarks == whole.remarks


def test_slices_that_each_decide_for_themselves_are_found(tmp_path: Path) -> None:
    path = written(corner(), tmp_path / "scan.h5")
    whole = read_scan(path)
    with h5py.File(path) as file:
        raw = file["kspace"][()]
    with pytest.raises(AssertionError):
        check_alike(whole.changed(kspace=raw), whole)


def test_padding_under_a_mask_is_not_sampled_and_fools_no_estimate() -> None:
    arrays = padded()
    raw = Scan(arrays["kspace"], mask=arrays["mask"])
    meant = interpreted(raw)
    columns = np.arange(SHAPE[1])
    np.testing.assert_array_equal(meant.sampled, LINES & (columns >= 6) & (columns < SHAPE[1] - 8))
    assert "padding" in meant.remarks[0]
    assert estimate_noise(meant.kspace, meant.mask).std == pytest.approx(LEVEL, rel=0.1)


def test_zeros_at_the_edges_are_no_noise_even_where_a_mask_covers_them() -> None:
    """Where there is no fully sampled centre, noise is told by the edges."""
    mask = LINES & (np.arange(SHAPE[1]) % 4 == 0)
    kspace = padded()["kspace"][:, :1] * mask
    found = edge_noise(kspace, mask)
    assert found is not None
    assert found.std == 0
    assert estimate_noise(kspace, mask).std == pytest.approx(LEVEL, rel=0.5)


def test_without_noise_zeros_are_values() -> None:
    arrays = padded()
    silent = replace(Scan(arrays["kspace"], mask=arrays["mask"]), noise_std=0.0)
    meant = interpreted(silent)
    np.testing.assert_array_equal(meant.sampled, LINES)
    assert meant.remarks == ()


def test_a_lost_line_is_not_sampled(tmp_path: Path) -> None:
    meant = read_scan(written(lost_line(), tmp_path / "scan.h5"))
    lost = np.flatnonzero(LINES[0])[3]
    np.testing.assert_array_equal(meant.sampled, LINES & (np.arange(SHAPE[1]) != lost))
    assert f"{SHAPE[0]} of the {LINES.sum()} k-space positions" in meant.remarks[0]


@pytest.mark.parametrize("make", [line_of_one_slice, dead_samples])
def test_other_zeros_are_values(make: Callable[[], Arrays], tmp_path: Path) -> None:
    meant = read_scan(written(make(), tmp_path / "scan.h5"))
    np.testing.assert_array_equal(meant.sampled, LINES)
    assert meant.remarks == ()
