from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from scipy import ndimage

from invdiff.data import Picture, read_picture
from invdiff.errors import InputError

IMAGE = np.ones((2, 5, 4), np.float32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": IMAGE[0]}, r"shape \(5, 4\)"),
        ({"image": IMAGE[:0]}, r"shape \(0, 5, 4\)"),
        ({"mask": np.ones((4, 5), bool)}, r"mask has shape \(4, 5\)"),
        ({"mask": np.zeros((5, 4), bool)}, "no pixel is known"),
        ({"ground_truth": IMAGE[:1]}, r"ground_truth has shape \(1, 5, 4\)"),
        ({"ground_truth": IMAGE * np.inf}, "ground_truth holds NaN"),
        ({"image": IMAGE * np.nan}, "NaN or infinity"),
        ({"image": IMAGE * 0}, "the image is zero everywhere"),
        ({"noise_std": -0.1}, "noise_std is -0.1"),
        ({"noise_std": np.inf}, "noise_std is inf"),
    ],
)
def test_pictures_that_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        Picture(**{"image": IMAGE, "name": "holiday.png", **change})
    assert str(refusal.value).startswith("holiday.png: ")


def test_unknown_pixels_may_be_anything() -> None:
    mask = np.ones((5, 4), bool)
    mask[0] = False
    image = IMAGE.copy()
    image[:, 0] = np.nan
    np.testing.assert_array_equal(Picture(image, mask).sampled, mask)
    assert Picture(IMAGE).sampled.all()


def smooth(shape: tuple[int, int]) -> np.ndarray:
    image = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(shape), 6)
    return image / np.abs(image).max()


@pytest.mark.parametrize("holes", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("level", [0.02, 0.1])
def test_noise_is_told_through_holes(holes: float, is_complex: bool, level: float) -> None:
    rng = np.random.default_rng(1)
    image = smooth((96, 96))
    noise = rng.standard_normal((2, 96, 96))
    image = image * np.exp(0.5j) + level * (noise[0] + 1j * noise[1]) if is_complex else image + level * noise[0]
    mask = rng.random((96, 96)) >= holes
    known = np.where(mask, image, np.nan)[None]
    assert Picture(known, mask if holes else None).with_noise_std().noise_std == pytest.approx(level, rel=0.12)


def test_noise_of_a_picture_without_any() -> None:
    assert Picture(IMAGE).mask is None
    flat = Picture(np.ones((1, 16, 16)))
    assert flat.with_noise_std().noise_std == 0
    given = Picture(IMAGE, noise_std=0.3)
    assert given.with_noise_std() is given


def test_noise_of_the_object_and_not_of_a_background_set_to_zero() -> None:
    image = np.zeros((64, 64))
    image[20:44, 20:44] = 5 + np.random.default_rng(0).standard_normal((24, 24))
    assert Picture(image[None]).with_noise_std().noise_std == pytest.approx(1, rel=0.2)


def test_noise_can_not_be_told_from_pixels_apart() -> None:
    image = np.ones((1, 16, 16))
    with pytest.raises(InputError, match="too few known pixels lie together"):
        Picture(image, np.eye(16, dtype=bool)).with_noise_std()


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_reading(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    image = np.arange(1, 21, dtype=np.int16).reshape(5, 4)
    datasets = {"image": image, "mask": image != 3, "noise_std": np.array([0.5]), "ground_truth": image * 1j}
    if suffix == ".npz":
        np.savez(path, **datasets)
    else:
        with h5py.File(path, "w") as file:
            file.update(datasets)
    picture = read_picture(path)
    assert (picture.image.shape, picture.image.dtype) == ((1, 5, 4), np.float32)
    assert picture.sampled.sum() == 19
    assert picture.noise_std == 0.5
    np.testing.assert_array_equal(picture.ground_truth, image[None] * 1j)
    assert picture.ground_truth.dtype == np.complex64


def test_slices_are_the_last_axis_of_what_matlab_writes(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((6, 5, 3)).astype(np.float32)
    scipy.io.savemat(tmp_path / "a.mat", {"image": image})
    np.testing.assert_array_equal(read_picture(tmp_path / "a.mat").image, image.transpose(2, 0, 1))
    scipy.io.savemat(tmp_path / "b.mat", {"image": image[..., 0]})
    np.testing.assert_array_equal(read_picture(tmp_path / "b.mat").image, image[None, ..., 0])
