"""A written reconstruction is read as it was."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import Geometry, Plane
from invdiff.errors import InputError
from invdiff.reconstruction import Reconstruction, spread_slices

Edit = tuple[str, Any]


def reconstruction(
    slices: int = 3, samples: int = 2, has_estimate: bool = True, has_more: bool = True, seed: int = 0
) -> Reconstruction:
    rng = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)

    planes = tuple(Plane((1.0, 2.0, 4.0 * k), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)) for k in range(slices))
    return Reconstruction(
        samples=numbers(slices, samples, 5, 4),
        zero_filled=numbers(slices, 5, 4),
        ground_truth=numbers(slices, 5, 4) if has_more else None,
        attributes={"method": "fast", "seed": seed, "slice": np.arange(slices) + 7.0, "scale": rng.random(slices)},
        estimate=numbers(slices, 5, 4) if has_estimate else None,
        geometry=Geometry((5, 4), (10.0, 6.0), 3.0, (10.0, 6.0), (5, 4), planes) if has_more else None,
        corrected=numbers(slices, samples, 5, 4) if has_more and samples > 1 else None,
    )


def assert_same(found: Reconstruction, expected: Reconstruction) -> None:
    for one in fields(Reconstruction):
        left, right = getattr(found, one.name), getattr(expected, one.name)
        if one.name == "attributes":
            assert set(left) == set(right)
            assert all(np.array_equal(left[name], right[name]) for name in right)
        elif isinstance(right, np.ndarray):
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)
        else:
            assert left == right


@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(0, 3), st.booleans(), st.booleans(), st.integers(0, 99))
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, slices: int, samples: int, estimate: bool, more: bool, seed: int
) -> None:
    made = reconstruction(slices, samples, estimate or not samples, more, seed)
    path = tmp_path_factory.mktemp("result") / "reconstruction.h5"
    made.write(path)
    assert_same(Reconstruction.read(path), made)
    with pytest.raises(AssertionError):
        assert_same(Reconstruction.read(path), reconstruction(slices, samples, estimate or not samples, more, seed + 1))


def test_some_slices_lie_where_they_lay(tmp_path: Path) -> None:
    made = reconstruction()
    made.write(tmp_path / "a.h5")
    seen = spread_slices(tmp_path / "a.h5", 2)
    np.testing.assert_array_equal(seen.samples, made.samples[[0, 2]])
    np.testing.assert_array_equal(seen.attributes["slice"], [7, 9])
    assert seen.geometry is not None
    assert made.geometry is not None
    assert made.geometry.planes is not None
    assert seen.geometry.planes == (made.geometry.planes[0], made.geometry.planes[2])


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (("image", None), "no dataset 'image'"),
        (("zero_filled", None), "no dataset 'zero_filled'"),
        (("samples", np.ones((3, 5, 4))), "no dataset 'samples' of 4 dimensions"),
        (("estimate", np.ones((3, 4, 5))), "estimate has shape .* it is damaged"),
        (("estimate", np.full((3, 5, 4), np.nan)), "estimate holds NaN"),
        (("estimate", np.full((3, 5, 4), 1e300)), "beyond single precision"),
        (("scale", np.ones(2)), "scale has 2 numbers for 3 slice"),
        (("slice", np.full(3, np.inf)), "slice holds no numbers of slices"),
        (("position_mm", np.ones((2, 3))), "2 positions of slices"),
        (("position_mm", np.full((3, 3), np.nan)), "three finite numbers"),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(tmp_path: Path, edit: Edit, words: str) -> None:
    reconstruction().write(tmp_path / "a.h5")
    name, value = edit
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value
    with pytest.raises(InputError, match=words):
        Reconstruction.read(tmp_path / "a.h5")
