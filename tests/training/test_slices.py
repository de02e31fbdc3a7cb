from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invdiff.training.slices import load_slices


def test_slices_of_one_split(tmp_path: Path, grouped: Callable[[Path], Path], slices: list[NDArray[np.uint8]]) -> None:
    path = grouped(tmp_path / "slices.h5")
    assert len(load_slices(path, "train")) == 4
    np.testing.assert_array_equal(load_slices(path, "val"), [slices[2], slices[2].T])
    assert load_slices(path, "test") == []
