"""What coils and slices are is told by their shape, whatever gain each has."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import axis_order, read_scan, simulate
from invdiff.data.axis_order import alike_as_coils, told_axes

COILS = simulate(np.add.outer(np.hanning(40), np.hanning(36))[None], coils=3, noise_std=0.004, seed=0).kspace[0]
GAINS = st.lists(st.integers(-15, 15), min_size=3, max_size=3).map(lambda powers: np.float32(10) ** np.array(powers))


def with_gains(gains: np.ndarray) -> np.ndarray:
    return (COILS * gains[:, None, None]).astype(np.complex64)


@settings(max_examples=20, deadline=None)
@given(GAINS)
def test_gains_change_nothing(gains: np.ndarray) -> None:
    with np.errstate(all="raise", under="ignore"):
        assert alike_as_coils(with_gains(gains)) == pytest.approx(alike_as_coils(COILS), rel=1e-3)


def test_one_scale_for_all_channels_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    own = axis_order._centre

    def common(kspace: np.ndarray) -> np.ndarray | None:
        centre = own(kspace)
        return (
            None if centre is None else centre * np.abs(kspace).max(axis=(1, 2), keepdims=True) / np.abs(kspace).max()
        )

    monkeypatch.setattr(axis_order, "_centre", common)
    with pytest.raises((FloatingPointError, np.linalg.LinAlgError)), np.errstate(all="raise", under="ignore"):
        alike_as_coils(with_gains(np.array([1e5, 1, 1e-15])))


def test_a_file_with_a_coil_that_hears_nothing(tmp_path: Path) -> None:
    kspace = with_gains(np.array([1, 1e-20, 1]))
    assert str(told_axes(kspace, "k")) == "coil,y,x"
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"] = kspace
    assert read_scan(tmp_path / "a.h5").kspace.shape == (1, 3, 40, 36)
