from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.reconstruction import Reconstruction


def reconstruction(samples: int = 3, truth: bool = True, **attributes: object) -> Reconstruction:
    rng = np.random.default_rng(0)
    drawn = (rng.standard_normal((2, samples, 5, 4)) + 1j * rng.standard_normal((2, samples, 5, 4))).astype("c8")
    return Reconstruction(drawn, drawn[:, 0], drawn[:, -1] if truth else None, attributes)


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
        names = {"mean", "std", "samples", "zero_filled", *(["ground_truth"] if truth else [])}
        assert set(file) == names
        for name in names:
            np.testing.assert_array_equal(file[name][()], getattr(result, name))
            assert file[name].dtype == getattr(result, name).dtype
        assert file.attrs["operator"] == "P(Λ) F S"
        assert file.attrs["seed"] == 3
        np.testing.assert_array_equal(file.attrs["scale"], [0.5, 2.0])
    assert [p.name for p in tmp_path.iterdir()] == ["result.h5"]


def test_a_failing_write_leaves_what_was_there(tmp_path: Path) -> None:
    broken = reconstruction(thing=object())  # the last of what is written, and HDF5 can't hold it
    with pytest.raises(TypeError):
        broken.write(tmp_path / "result.h5")
    assert not list(tmp_path.iterdir())
    (tmp_path / "result.h5").write_text("older")
    with pytest.raises(TypeError):
        broken.write(tmp_path / "result.h5")
    assert (tmp_path / "result.h5").read_text() == "older"
    assert [p.name for p in tmp_path.iterdir()] == ["result.h5"]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be written"):
        reconstruction().write(tmp_path / "nowhere" / "result.h5")
