"""Regions by rectangles and labels, and what is refused."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.reconstruction import Rectangle, named_regions, read_labels

SHAPE = (3, 8, 6)
LABELS = np.zeros(SHAPE, np.int16)
LABELS[0, 1:3, 2:5] = 1
LABELS[:, 6, 1] = 7
AFFINE = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, -3], [0, 0, 4, 1], [0, 0, 0, 1]])


def nifti(path: Path, labels: np.ndarray, affine: np.ndarray | None) -> Path:
    """With slices last, as NIfTI has them."""
    nibabel.save(nibabel.Nifti1Image(np.moveaxis(labels, 0, -1), affine), path)
    return path


@given(st.data(), st.integers(1, 9), st.integers(1, 9))
def test_a_rectangle_is_its_rows_and_columns(data: st.DataObject, height: int, width: int) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom, right = data.draw(st.integers(top + 1, height)), data.draw(st.integers(left + 1, width))
    mask = Rectangle.of(f" {top}:{bottom}, {left}:{right} ", (height, width)).of_slice(3)
    assert (mask.shape, mask.dtype) == ((height, width), bool)
    assert mask[top:bottom, left:right].all()
    assert mask.sum() == (bottom - top) * (right - left)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "y0:y1,x0:x1"),
        ("1:2", "y0:y1,x0:x1"),
        ("1:2,3:4,5:6", "y0:y1,x0:x1"),
        ("-1:2,3:4", "y0:y1,x0:x1"),
        ("1:2,3:1e2", "y0:y1,x0:x1"),
        ("1:99999999999,3:4", "y0:y1,x0:x1"),
        ("1:9,3:4", "rows 1:9 are not within an image of 8 x 6; give FIRST:END within 0:8"),
        ("1:2,3:7", "columns 3:7 are not within"),
        ("2:2,3:4", "rows 2:2"),
        ("3:2,3:4", "rows 3:2"),
    ],
)
def test_rectangles_that_are_none(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Rectangle.of(text, SHAPE[1:])


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".npy"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_labels_are_their_pixels(tmp_path: Path, suffix: str, dtype: type) -> None:
    path = tmp_path / f"labels{suffix}"
    if suffix == ".npy":
        np.save(path, LABELS.astype(dtype))
    else:
        nifti(path, LABELS.astype(dtype), AFFINE)
    found = read_labels(path, SHAPE, AFFINE)
    assert list(found) == ["1", "7"]
    for name, region in found.items():
        for row in range(SHAPE[0]):
            np.testing.assert_array_equal(region.of_slice(row), LABELS[row] == int(name))


def test_labels_of_one_slice_need_no_axis_of_slices(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", LABELS[0])
    assert list(read_labels(tmp_path / "labels.npy", (1, *SHAPE[1:]))) == ["1", "7"]
    with pytest.raises(InputError, match=r"has 1 x 8 x 6 labels .* and the result 3 x 8 x 6"):
        read_labels(tmp_path / "labels.npy", SHAPE)


def test_labels_that_lie_elsewhere_are_refused(tmp_path: Path) -> None:
    """Flipped, or moved by a pixel: of the right shape, and of the wrong pixels."""
    flipped = AFFINE @ np.array([[-1, 0, 0, 7], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    for name, affine in (("flipped", flipped), ("moved", AFFINE + np.array([[0, 0, 0, 2.0]] + [[0] * 4] * 3))):
        path = nifti(tmp_path / f"{name}.nii.gz", LABELS, affine)
        with pytest.raises(InputError, match="lies elsewhere"):
            read_labels(path, SHAPE, AFFINE)
        assert read_labels(path, SHAPE)  # where it is not known where the result lies
    near = nifti(tmp_path / "near.nii.gz", LABELS, AFFINE + 1e-4)
    assert read_labels(near, SHAPE, AFFINE)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros(SHAPE, np.int16), "0 labels beside zero"),
        (np.full(SHAPE, 0.5), "no whole numbers"),
        (np.full(SHAPE, np.nan), "no whole numbers"),
        (np.full(SHAPE, np.inf), "no whole numbers"),
        (np.ones(SHAPE, complex), "no whole numbers"),
        (np.ones((3, 6, 8), int), "3 x 6 x 8 labels"),
        (np.arange(2000).reshape(20, 10, 10), "1999 labels"),
    ],
)
def test_images_that_hold_no_labels(tmp_path: Path, labels: np.ndarray, words: str) -> None:
    np.save(tmp_path / "labels.npy", labels)
    shape = labels.shape if labels.size == 2000 else SHAPE
    with pytest.raises(InputError, match=words):
        read_labels(tmp_path / "labels.npy", shape)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["1:2,3:4"], "--region is NAME="),
        (["=1:2,3:4"], "--region is NAME="),
        (["a,b=1:2,3:4"], "--region is NAME="),
        (["a=1:2,3:4", "a=2:3,3:4"], "Two regions are called 'a'"),
        (["7=1:2,3:4"], "Two regions are called '7'"),
        (["a=b=1:2,3:4"], "y0:y1,x0:x1"),
    ],
)
def test_names(tmp_path: Path, texts: list[str], words: str) -> None:
    np.save(tmp_path / "labels.npy", LABELS)
    labels = read_labels(tmp_path / "labels.npy", SHAPE)
    with pytest.raises(InputError, match=words):
        named_regions(texts, labels, SHAPE[1:])
    assert list(named_regions(["a = 1:2,3:4"], labels, SHAPE[1:])) == ["1", "7", "a"]
    with pytest.raises(InputError, match="There is no region"):
        named_regions([], {}, SHAPE[1:])
