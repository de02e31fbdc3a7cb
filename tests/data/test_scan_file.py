"""Scans of which a slice is read when it is asked for."""

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from invdiff.data import Scan, read_scan, shepp_logan, simulate, write_scan
from invdiff.data.formats import open_scan
from invdiff.data.masks import equispaced
from invdiff.data.scan_file import ScanFile
from invdiff.diffusion import TwoChannel
from invdiff.errors import InputError
from invdiff.methods import fast
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import reconstruct, scan_cases

SHAPE = (24, 20)
COUNT = 12
EMPTY = (0, 7)
LINES = equispaced(SHAPE, 2, 8)


def volume(truth: bool = True) -> Scan:
    """Twelve slices of two coils, two of which are empty."""
    images = np.stack([(1 + 0.1 * k) * np.roll(shepp_logan(SHAPE), k, axis=0) for k in range(COUNT)])
    scan = simulate(images, coils=2, mask=LINES, noise_std=0.02)
    kspace = scan.kspace.copy()
    kspace[list(EMPTY)] = 0
    return replace(scan, kspace=kspace, mask=LINES, ground_truth=scan.ground_truth if truth else None)


@pytest.fixture(scope="module", params=["with maps and truth", "k-space alone"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("volume") / "volume.h5"
    scan = volume()
    if request.param == "k-space alone":
        scan = replace(scan, maps=None, ground_truth=None, noise_std=None, mask=LINES)
    write_scan(scan, path)
    return path


def check_alike(found: ScanFile, whole: Scan) -> None:
    """It tells of a scan what the scan in memory tells."""
    assert (found.slices, found.coils, found.image_shape) == (whole.slices, whole.coils, whole.image_shape)
    np.testing.assert_array_equal(found.sampled, whole.sampled)
    assert (found.mask is None) == (whole.mask is None)
    assert found.empty == whole.empty
    assert found.has_ground_truth == whole.has_ground_truth
    assert found.attributes == whole.attributes
    for slices in ([3], [11, 2, 5], [7, 1], [1, 0], range(COUNT)):
        some, expected = found.select(slices), whole.select(slices)
        for name in ("kspace", "maps", "ground_truth"):
            one, other = getattr(some, name), getattr(expected, name)
            assert (one is None) == (other is None)
            if one is not None:
                full = [k for k, number in enumerate(slices) if number not in whole.empty]
                np.testing.assert_array_equal(one[full], other[full])
        assert not some.kspace[[k for k, number in enumerate(slices) if number in whole.empty]].any()
        np.testing.assert_array_equal(some.sampled, expected.sampled)
        assert (some.noise_std, some.name) == (expected.noise_std, Path(expected.name).name)


def test_slices_are_those_of_the_scan_in_memory(path: Path) -> None:
    found = open_scan(path)
    assert isinstance(found, ScanFile)
    check_alike(found, read_scan(path))
    check_alike(pickle.loads(pickle.dumps(found)), read_scan(path))


def test_slices_are_read_from_any_working_folder(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    found = open_scan(path.name)
    monkeypatch.chdir(tmp_path)
    assert found.select([3]).kspace.any()


@pytest.mark.parametrize("broken", ["next slice", "no mask", "no empty slices"])
def test_a_file_that_gives_others_is_found(path: Path, broken: str) -> None:
    found = open_scan(path)
    assert isinstance(found, ScanFile)
    changes: dict[str, dict[str, Any]] = {
        "next slice": {"read": lambda slices: found.read([(number + 1) % COUNT for number in slices])},
        "no mask": {"mask": None},
        "no empty slices": {"empty": frozenset()},
    }
    with pytest.raises(AssertionError):
        check_alike(replace(found, **changes[broken]), read_scan(path))


def test_digests_tell_slices_apart_and_are_of_all_that_is_known_of_one(path: Path, tmp_path: Path) -> None:
    found = open_scan(path)
    full = [number for number in range(COUNT) if number not in EMPTY]
    assert len({found.digest(number) for number in full}) == len(full)
    with h5py.File(path) as file:
        held = {name: file[name][()] for name in file}
    for name in held.keys() & {"kspace", "sensitivity_maps", "ground_truth"}:
        changed = {**held, name: held[name].copy()}
        changed[name][5] *= 2
        with h5py.File(tmp_path / "changed.h5", "w") as file:
            file.update(changed)
        other = open_scan(tmp_path / "changed.h5")
        assert [number for number in range(COUNT) if other.digest(number) != found.digest(number)] == [5]


def test_a_mask_is_all_that_any_slice_was_sampled_at(tmp_path: Path) -> None:
    """Without a mask in the file, it is found of all slices, as that of the scan in memory is."""
    scan = volume(truth=False)
    kspace = scan.kspace.copy()
    (line,) = np.flatnonzero(LINES[0])[:1]
    kspace[1:, ..., line] = 0  # zero by chance in all but one slice
    with h5py.File(tmp_path / "volume.h5", "w") as file:
        file.update({"kspace": kspace, "sensitivity_maps": scan.maps, "noise_std": 0.02})
    check_alike(_survey(tmp_path / "volume.h5"), read_scan(tmp_path / "volume.h5"))


def _survey(path: Path) -> ScanFile:
    found = open_scan(path)
    assert isinstance(found, ScanFile)
    return found


def test_reconstructions_do_not_depend_on_how_a_scan_is_read(path: Path, tmp_path: Path) -> None:
    """An archive is read whole, an HDF5 file slice by slice."""
    with h5py.File(path) as file:
        np.savez(tmp_path / "volume.npz", **{name: file[name][()] for name in file})
    prior = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
    sampler = fast(steps=3, signal=TwoChannel())
    scans = [open_scan(path), open_scan(tmp_path / "volume.npz")]
    assert [type(scan) for scan in scans] == [ScanFile, Scan]
    one, other = (reconstruct(scan_cases(scan, "sense"), sampler, prior, samples=1) for scan in scans)
    for name in ("samples", "zero_filled", "ground_truth"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert not one.samples[list(EMPTY)].any()
    assert all(one.samples[number].any() for number in range(COUNT) if number not in EMPTY)


# Damage


def damaged_by_nan(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["kspace"][5, 0, 3, 2] = np.nan


def damaged_on_disk(path: Path) -> None:
    """A chunk of a compressed slice is overwritten."""
    with h5py.File(path, "r+") as file:
        kspace = file["kspace"][()]
        del file["kspace"]
        file.create_dataset("kspace", data=kspace, chunks=(1, *kspace.shape[1:]), compression="gzip")
        place = file["kspace"].id.get_chunk_info(5)
    with path.open("r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(hashlib.sha256(b"").digest())


def damaged_maps(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["sensitivity_maps"][5, 0, 3, 2] = np.inf


@pytest.mark.parametrize(
    ("damage", "words"),
    [(damaged_by_nan, "holds NaN"), (damaged_on_disk, "can't be read"), (damaged_maps, "holds NaN or infinity")],
)
def test_damage_in_the_middle_is_a_sentence(tmp_path: Path, damage: Callable[[Path], None], words: str) -> None:
    path = tmp_path / "volume.h5"
    write_scan(volume(), path)
    damage(path)
    with pytest.raises(InputError, match=words) as refused:
        open_scan(path)
    assert "volume.h5" in str(refused.value)


def test_damage_that_comes_later_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "volume.h5"
    write_scan(volume(), path)
    found = open_scan(path)
    damaged_on_disk(path)
    assert found.select([4]).kspace.any()
    with pytest.raises(InputError, match=r"volume\.h5"):
        found.select([5])
    path.unlink()
    with pytest.raises(InputError, match=r"volume\.h5"):
        found.select([4])


def test_a_volume_of_nothing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "volume.h5", "w") as file:
        file["kspace"] = np.zeros((COUNT, 2, *SHAPE), np.complex64)
    with pytest.raises(InputError, match=f"all {COUNT} slices are zero everywhere"):
        open_scan(tmp_path / "volume.h5")
