from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest

from invdiff.data import to_kspace
from invdiff.errors import InputError
from invdiff.priors import Intensity
from invdiff.training import (
    DatasetImages,
    FastMRIImages,
    GroupedImages,
    NiftiImages,
    NpyImages,
    PhantomImages,
)
from invdiff.training.sources.folders import in_split

SLICES = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "slices.h5"


def volume(count: int = 14, side: int = 32, seed: int = 0) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    scale = 50 + 10 * np.random.default_rng(seed).random()
    return (scale * np.exp(-2 * (x**2 + y**2)) * np.linspace(0.5, 1, count)[:, None, None]).astype(np.float32)


def write_fastmri(path: Path, **datasets: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file.update(datasets)


def test_fastmri_volumes_lose_their_first_and_last_slices(tmp_path) -> None:
    for i in range(3):
        write_fastmri(tmp_path / f"file{i}.h5", reconstruction_rss=volume(seed=i))
    source = FastMRIImages(path=tmp_path)
    train, val = source.read("train"), source.read("val")
    assert (len(train), len(val)) == (8, 4)  # 14 - 2 x 5 slices of two files, and of one
    assert train[0].dtype == np.float32
    assert max(np.percentile(np.stack(list(train)), 99.9), 0) == pytest.approx(1, rel=0.02)
    assert train.intensity == Intensity(99.9, 1.0)
    assert len(FastMRIImages(path=tmp_path, drop_slices=0).read("val")) == 14


def test_kspace_is_combined_and_undersampled_kspace_is_left_out(tmp_path) -> None:
    images = volume(12)
    coils = np.stack([images * 0.6, images * 0.8], axis=1).astype(np.complex64)
    write_fastmri(tmp_path / "full.h5", kspace=to_kspace(coils).astype(np.complex64))
    found = FastMRIImages(path=tmp_path, kspace_crop=None, val_fraction=None).read("train")
    kept = images[5:7] / np.percentile(images[5:7], 99.9)
    np.testing.assert_allclose(np.stack(list(found)), kept, atol=2e-3)
    kspace = to_kspace(coils).astype(np.complex64)
    kspace[..., ::2] = 0
    write_fastmri(tmp_path / "half.h5", kspace=kspace)
    with pytest.warns(UserWarning, match="undersampled"):
        skipped = FastMRIImages(path=tmp_path, kspace_crop=None, val_fraction=None).read("train").skipped
    assert len(skipped) == 1
    assert "half.h5" in skipped[0]


def test_nifti_contrasts_and_slices_with_too_little_brain(tmp_path) -> None:
    stack = volume(10).transpose(2, 1, 0).copy()
    stack[..., :3] = 0
    for subject in ("s1", "s2"):
        (tmp_path / subject).mkdir()
        for contrast in ("t1", "flair", "seg"):
            path = tmp_path / subject / f"{subject}_{contrast}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(stack, np.eye(4)), path)
    source = NiftiImages(path=tmp_path, val_fraction=0.5)
    train, val = source.read("train"), source.read("val")
    assert len(train) == len(val) == 2 * 7  # two contrasts of one subject, without three empty slices
    assert len(NiftiImages(path=tmp_path, contrasts=["flair"], val_fraction=None).read("train")) == 2 * 7
    with pytest.raises(InputError, match="name its contrasts"):
        NiftiImages(path=tmp_path, contrasts=["t2"]).read("train")


def test_npy_stacks_real_and_complex(tmp_path) -> None:
    stack = volume(4)
    np.save(tmp_path / "real.npy", stack)
    np.save(tmp_path / "complex.npy", stack * np.exp(0.5j))
    np.save(tmp_path / "single.npy", stack[0])
    images = NpyImages(path=tmp_path, val_fraction=None).read("train")
    assert len(images) == 9
    assert {image.dtype for image in images} == {np.dtype(np.float32), np.dtype(np.complex64)}


def test_what_does_not_fit_into_memory_is_read_when_it_is_asked_for(tmp_path) -> None:
    np.save(tmp_path / "stack.npy", volume(4))
    kept = NpyImages(path=tmp_path, val_fraction=None).read("train")
    with pytest.warns(UserWarning, match="memory_gb"):
        read = NpyImages(path=tmp_path, val_fraction=None, memory_gb=0).read("train")
    np.testing.assert_allclose(np.stack(list(read)), np.stack(list(kept)), atol=1e-3)


def test_grouped_splits_and_sources_left_out(tmp_path, grouped) -> None:
    path = grouped(tmp_path / "slices.h5")
    assert [len(GroupedImages(path=path).read(split)) for split in ("train", "val")] == [4, 2]
    assert len(GroupedImages(path=path, leave_out=["source1"]).read("train")) == 2
    with pytest.raises(InputError, match=r"no source nothing .* source0, source1"):
        GroupedImages(path=path, leave_out=["nothing"]).read("train")


def test_phantoms_follow_from_seed_and_index() -> None:
    source = PhantomImages(count=20, val_count=4, side=48)
    train, val = source.read("train"), source.read("val")
    assert (len(train), len(val)) == (20, 4)
    np.testing.assert_array_equal(train[3], source.read("train")[3])
    stack = np.stack([train[i] for i in range(20)])
    assert stack.shape == (20, 48, 48)
    assert np.percentile(stack[0], 99.9) == pytest.approx(1, rel=1e-3)
    assert stack.min() >= 0
    centred = (stack - stack.mean(axis=(1, 2), keepdims=True)).reshape(20, -1)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert np.abs(unit @ unit.T - np.eye(20)).max() < 0.97  # no two alike
    assert not np.array_equal(train[0], val[0])
    with pytest.raises(IndexError):
        train[20]


def test_phantoms_of_a_percentile_that_is_air_are_refused() -> None:
    with pytest.raises(InputError, match="1th percentile of a random head is 0"):
        PhantomImages(count=1, side=32, percentile=1).read("train")[0]


def test_a_data_set_of_ones_own() -> None:
    images = DatasetImages([np.ones((2, 4, 6)), np.ones((4, 6), np.uint8), np.ones((1, 4, 6))], Intensity(100, 1))
    np.testing.assert_array_equal(images[0], np.full((4, 6), 1 + 1j))
    assert [images[i].dtype for i in range(3)] == [np.complex64, np.float32, np.float32]
    for bad in (np.ones(4), np.full((4, 4), np.nan), np.array([["a"]])):
        with pytest.raises(InputError, match="Image 0"):
            DatasetImages([bad], Intensity(100, 1))[0]


def test_splits_stay_and_do_not_overlap() -> None:
    names = [f"subject{i}" for i in range(30)]
    train, val = (in_split(names, split, 0.1) for split in ("train", "val"))
    assert train | val == set(names)
    assert not train & val
    assert len(val) == 3
    assert in_split(reversed(names), "val", 0.1) == val
    assert in_split(["alone"], "train", 0.5) == {"alone"}


def bad_folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "good.npy", volume(4))
    broken = volume(4)
    broken[2, 3, 3] = np.nan
    np.save(tmp_path / "nan.npy", broken)
    (tmp_path / "corrupt.npy").write_bytes(b"\x93NUMPY nothing of the kind")
    np.save(tmp_path / "mixed.npy", np.array([volume(1)[0], volume(1, 16)[0]], dtype=object), allow_pickle=True)
    np.save(tmp_path / "dark.npy", np.zeros((3, 8, 8), np.float32))
    return tmp_path


def test_bad_volumes_among_many_are_left_out_and_counted(tmp_path) -> None:
    with pytest.warns(UserWarning, match="Left out"):
        images = NpyImages(path=bad_folder(tmp_path), val_fraction=None).read("train")
    assert len(images) == 4 + 3
    told = " ".join(images.skipped)
    assert len(images.skipped) == 4
    assert all(name in told for name in ("nan.npy: slices 2", "corrupt.npy", "mixed.npy", "dark.npy"))
    assert all(np.isfinite(image).all() for image in images)


@pytest.mark.parametrize("name", ["nan", "corrupt", "mixed", "dark"])
def test_strict_refuses_each(tmp_path, name) -> None:
    folder = bad_folder(tmp_path)
    for path in folder.glob("*.npy"):
        if path.stem not in (name, "good"):
            path.unlink()
    with pytest.raises(InputError, match=f"{name}.npy"):
        NpyImages(path=folder, val_fraction=None).read("train", strict=True)


def test_a_split_that_is_no_text_is_complained_of(tmp_path, grouped) -> None:
    path = grouped(tmp_path / "grouped.h5")
    with h5py.File(path, "a") as file:
        file["source0/subject0/t1"].attrs["split"] = np.array(["train", "val"], dtype=object)
    for split, count in (("train", 2), ("val", 2)):
        with pytest.warns(
            UserWarning, match="Left out: .*source0/subject0/t1 has an attribute 'split' that is no text"
        ):
            assert len(GroupedImages(path=path).read(split)) == count
        with pytest.raises(InputError, match="source0/subject0/t1"):
            GroupedImages(path=path).read(split, strict=True)


@pytest.mark.parametrize("key", ["reconstruction_rss", "kspace"])
@pytest.mark.parametrize("content", [h5py.Empty("<f4"), "text", np.zeros((3, 4, 4), "V8"), np.float32(1)])
def test_data_sets_that_are_no_stack_are_left_out(tmp_path, key, content) -> None:
    write_fastmri(tmp_path / "good.h5", reconstruction_rss=volume(3))
    write_fastmri(tmp_path / "odd.h5", **{key: content})
    with pytest.warns(UserWarning, match=r"Left out: .*odd\.h5"):
        assert len(FastMRIImages(path=tmp_path, drop_slices=0, val_fraction=None).read("train")) == 3


def test_more_kspace_than_is_read_at_once_is_left_out(tmp_path) -> None:
    """A file of a few kilobytes that promises a million slices, each of them small."""
    write_fastmri(tmp_path / "good.h5", reconstruction_rss=volume(3))
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file.create_dataset("kspace", (5000, 2, 8, 8), np.complex64, chunks=(1, 2, 8, 8))
    with pytest.warns(UserWarning, match=r"Left out: .*odd\.h5: kspace promises"):
        assert len(FastMRIImages(path=tmp_path, drop_slices=0, val_fraction=None).read("train")) == 3


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_what_single_precision_can_not_hold_is_left_out(tmp_path, dtype) -> None:
    stack = volume(4).astype(dtype)
    stack[2] *= 1e39
    np.save(tmp_path / "wide.npy", stack)
    with pytest.warns(UserWarning, match="slices 2 hold NaN, infinity"):
        images = NpyImages(path=tmp_path, val_fraction=None).read("train")
    assert len(images) == 3
    assert all(np.isfinite(image).all() for image in images)


def test_an_archive_by_the_name_of_a_stack_is_left_out(tmp_path) -> None:
    np.save(tmp_path / "good.npy", volume(3))
    with (tmp_path / "odd.npy").open("wb") as file:
        np.savez(file, volume(3))
    with pytest.warns(UserWarning, match=r"Left out: .*odd\.npy can't be read as a NumPy array"):
        assert len(NpyImages(path=tmp_path, val_fraction=None).read("train")) == 3


def test_nothing_to_read(tmp_path, grouped) -> None:
    for source in (FastMRIImages, NiftiImages, NpyImages):
        with pytest.raises(InputError, match=r"holds no .* file"):
            source(path=tmp_path).read("train")
        with pytest.raises(InputError, match="does not exist"):
            source(path=tmp_path / "missing").read("train")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match="can't be read as HDF5"):
        GroupedImages(path=tmp_path / "text.h5").read("train")
    np.save(tmp_path / "dark.npy", np.zeros((3, 8, 8), np.float32))
    with pytest.warns(UserWarning, match="Left out"), pytest.raises(InputError, match="no image to use"):
        NpyImages(path=tmp_path, val_fraction=None).read("train")


@pytest.mark.skipif(not SLICES.exists(), reason="the shared images are not here")
def test_real_slices() -> None:
    val = GroupedImages(path=SLICES).read("val", strict=True)
    assert len(val) == 255
    assert 0.5 < np.percentile(val[100], 99.9) < 1.5
