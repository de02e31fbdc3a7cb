from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from invdiff.errors import InputError
from invdiff.pictures import write_grid


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def test_labels_stand_above_images_whose_pixels_stay_squares(tmp_path: Path) -> None:
    images = np.arange(1, 7).reshape(2, 1, 3) * np.ones((2, 30, 1))
    for labels in (["", ""], ["sigma 0.1", ""]):
        write_grid(tmp_path / "grid.png", images, columns=1, labels=labels)
        drawn = pixels(tmp_path / "grid.png")
        assert drawn.shape == (2 * (14 + 30 * 40) + 2, 3 * 40)  # forty times as large: then a label has room
        strips, below = (drawn[:14], drawn[14 + 1200 + 2 :][:14]), drawn[14 : 14 + 1200]
        assert strips[0].any() == bool(labels[0])
        assert not strips[1].any()
        assert (np.diff(below.reshape(30, 40, 3, 40), axis=1) == 0).all()
        assert (np.diff(below.reshape(30, 40, 3, 40), axis=3) == 0).all()


def test_a_label_is_given_for_each_image(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 images have 1 labels"):
        write_grid(tmp_path / "grid.png", np.ones((2, 4, 4)), labels=["one"])
    assert not list(tmp_path.iterdir())
