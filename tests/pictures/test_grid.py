from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from invdiff.errors import InputError
from invdiff.pictures import write_grid


def test_magnitudes_in_rows_on_one_scale(tmp_path: Path) -> None:
    images = np.arange(1, 6)[:, None, None] * np.ones((5, 3, 4)) * np.exp(0.7j)
    write_grid(tmp_path / "grid.png", images, columns=2)
    with Image.open(tmp_path / "grid.png") as picture:
        grey = np.asarray(picture.convert("L")).astype(int)
    assert grey.shape == (3 * 3 + 2 * 2, 2 * 4 + 2)
    expected = np.zeros_like(grey)
    for i, (row, column) in enumerate([(0, 0), (0, 6), (5, 0), (5, 6), (10, 0)]):
        expected[row : row + 3, column : column + 4] = 255 * (i + 1) / 5
    assert np.abs(grey - expected).max() <= 1


def test_black_images_are_drawn(tmp_path: Path) -> None:
    write_grid(tmp_path / "grid.png", np.zeros((1, 3, 4)))
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (4, 3)


@pytest.mark.parametrize(
    ("name", "images", "words"),
    [
        ("grid.jpg", np.zeros((1, 3, 4)), "suffix '.jpg'"),
        ("grid.png", np.zeros((3, 4)), r"shape \(3, 4\)"),
        ("grid.png", np.zeros((0, 3, 4)), r"shape \(0, 3, 4\)"),
        ("grid.png", np.full((1, 3, 4), np.nan), "NaN"),
    ],
)
def test_refusals(tmp_path: Path, name: str, images: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        write_grid(tmp_path / name, images)
    assert not list(tmp_path.iterdir())
