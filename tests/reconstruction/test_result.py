from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.reconstruction import Reconstruction, read_reconstructed


def reconstruction(samples: int = 3, truth: bool = True, **attributes: object) -> Reconstruction:
    rng = np.random.default_rng(0)
    drawn = (rng.standard_normal((2, samples, 5, 4)) + 1j * rng.standard_normal((2, samples, 5, 4))).astype("c8")
    return Reconstruction(drawn, drawn[:, 0], drawn[:, -1] if truth else None, attributes)


def estimate() -> Reconstruction:
    """Of a method of one image."""
    one = reconstruction(1, truth=False, method="estimate", sampler="a", nfe=1)
    return replace(one, samples=one.samples[:, :0], estimate=one.samples[:, 0])


def test_statistics() -> None:
    result = reconstruction()
    parts = [result.samples.real, result.samples.imag]
    np.testing.assert_allclose(result.mean, result.samples.sum(1) / 3, rtol=1e-5)
    np.testing.assert_allclose(result.std, np.sqrt(sum(part.var(1, ddof=1) for part in parts)), rtol=1e-5)
    assert (result.mean.dtype, result.std.dtype) == (np.complex64, np.float32)
    assert (reconstruction(1).std == 0).all()


@pytest.mark.parametrize("truth", [False, True])
def test_round_trip(tmp_path: Path, truth: bool) -> None:
    result = reconstruction(truth=truth, operator="P(Λ) F S", seed=3, scale=np.array([0.5, 2.0]))
    path = tmp_path / "result.h5"
    path.write_text("an older file is replaced")
    result.write(path)
    with h5py.File(path) as file:
        names = {"image", "mean", "std", "samples", "zero_filled", "scale", *(["ground_truth"] if truth else [])}
        assert set(file) == names | {"magnitude_std", "lower", "upper"}
        for name in names - {"scale"}:
            np.testing.assert_array_equal(file[name][()], getattr(result, name))
            assert file[name].dtype == getattr(result, name).dtype
        assert file.attrs["operator"] == "P(Λ) F S"
        assert file.attrs["seed"] == 3
        np.testing.assert_array_equal(file["scale"], [0.5, 2.0])
    assert [p.name for p in tmp_path.iterdir()] == ["result.h5"]


def test_the_image_is_the_estimate_or_else_the_mean() -> None:
    drawn, alone = reconstruction(3), estimate()
    np.testing.assert_array_equal(drawn.image, drawn.mean)
    np.testing.assert_array_equal(alone.image, reconstruction(1).samples[:, 0])
    both = replace(alone, samples=drawn.samples)
    np.testing.assert_array_equal(both.image, alone.image)
    np.testing.assert_array_equal(both.mean, drawn.mean)
    np.testing.assert_array_equal(both.std, drawn.std)
    assert (both.image != both.mean).any()


@pytest.mark.parametrize(
    ("samples", "names"),
    [(0, {"image", "estimate"}), (1, {"image", "estimate", "samples", "mean", "std"})],
)
def test_an_estimate_is_written_with_the_samples_that_there_are(tmp_path: Path, samples: int, names: set[str]) -> None:
    """Of no samples there is neither a mean nor a deviation, which would be NaN."""
    replace(estimate(), samples=reconstruction().samples[:, :samples]).write(tmp_path / "result.h5")
    with h5py.File(tmp_path / "result.h5") as file:
        assert set(file) == {*names, "zero_filled"}
        assert all(np.isfinite(array[()]).all() for array in file.values())
        assert file.attrs["method"] == "estimate"


def test_a_failing_write_leaves_what_was_there(tmp_path: Path) -> None:
    broken = reconstruction(thing=object())  # the last of what is written, and HDF5 can't hold it
    with pytest.raises(InputError, match="'thing' can't be stored"):
        broken.write(tmp_path / "result.h5")
    assert not list(tmp_path.iterdir())
    (tmp_path / "result.h5").write_text("older")
    with pytest.raises(InputError, match="'thing' can't be stored"):
        broken.write(tmp_path / "result.h5")
    assert (tmp_path / "result.h5").read_text() == "older"
    assert [p.name for p in tmp_path.iterdir()] == ["result.h5"]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be written"):
        reconstruction().write(tmp_path / "nowhere" / "result.h5")


@pytest.mark.parametrize("result", [reconstruction(), estimate()], ids=["mean", "estimate"])
def test_the_image_is_read_back(tmp_path: Path, result: Reconstruction) -> None:
    result.write(tmp_path / "result.h5")
    image = read_reconstructed(tmp_path / "result.h5")
    np.testing.assert_array_equal(image, result.image)
    assert image.dtype == np.complex64
    with h5py.File(tmp_path / "real.h5", "w") as file:
        file["image"] = np.abs(result.image).astype(np.float64)
    np.testing.assert_allclose(read_reconstructed(str(tmp_path / "real.h5")), np.abs(result.image), rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (None, "no dataset 'image'"),
        (np.ones((5, 4)), r"no dataset 'image' of shape \(slices, H, W\)"),
        (np.ones((1, 2, 5, 4)), "no dataset 'image'"),
        (np.ones((2, 5, 4), bool), "no dataset 'image'"),
        (np.full((2, 5, 4), b"text"), "no dataset 'image'"),
    ],
)
def test_a_file_without_an_image_is_refused(tmp_path: Path, image: object, words: str) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kspace"] = np.ones(3)
        if image is not None:
            file["image"] = image
    with pytest.raises(InputError, match=words):
        read_reconstructed(tmp_path / "other.h5")


def test_a_group_is_no_image(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.create_group("image")
    with pytest.raises(InputError, match="no dataset 'image'"):
        read_reconstructed(tmp_path / "other.h5")


def test_files_that_are_no_results_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; give the path of a reconstruction"):
        read_reconstructed(tmp_path)
    for name in ("nowhere.h5", "n" * 300):
        with pytest.raises(InputError, match="does not exist"):
            read_reconstructed(tmp_path / name)
    (tmp_path / "text.h5").write_text("text")
    reconstruction().write(tmp_path / "result.h5")
    whole = (tmp_path / "result.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    for name in ("text.h5", "cut.h5"):
        with pytest.raises(InputError, match="can't be read as HDF5"):
            read_reconstructed(tmp_path / name)
