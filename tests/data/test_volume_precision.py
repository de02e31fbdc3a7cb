"""Three-dimensional k-space at either end of single precision is refused in a sentence, by either way to read it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.data import read_scan
from invdiff.data import volume as module
from invdiff.data.formats import open_scan
from invdiff.errors import InputError


def written(path: Path, kspace: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace[None]
    return path


@pytest.mark.parametrize("read", [read_scan, open_scan])
@pytest.mark.parametrize(
    ("size", "sentence"), [(3e38, "holds NaN or infinity"), (1e-60, "is zero everywhere in single precision")]
)
def test_numbers_beyond_single_precision(tmp_path: Path, read: Callable[..., Any], size: float, sentence: str) -> None:
    kspace = np.ones((2, 2, 8, 6), np.complex128)
    assert read(written(tmp_path / "good.h5", kspace)).slices == 6
    kspace[:, 0] *= size
    kspace[:, 1] *= min(size, 1.0)
    with pytest.raises(InputError, match=sentence):
        read(written(tmp_path / "a.h5", kspace))


def test_slices_whose_power_has_no_end_are_not_taken_for_empty() -> None:
    path = Path("a.h5")
    assert module._empty(np.array([1.0, 0.0, 2.0]), path) == {1}
    assert module._empty(np.array([np.inf, 0.0, 2.0]), path) == {1, 2}
    assert module._empty(np.array([np.nan, 0.0, 2.0]), path) == frozenset()
