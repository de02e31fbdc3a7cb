"""Scans and cases as sequences of slices."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import Scan
from invdiff.data.scan_file import ScanFile
from invdiff.errors import InputError
from invdiff.reconstruction import Cases
from invdiff.reconstruction.cases.scans import scan_cases

SLICES, SIDE = 5, 8
EMPTY = (0, 3)


def scan(slices: int = SLICES) -> Scan:
    parts = np.random.default_rng(slices).standard_normal((2, slices, 1, SIDE, SIDE))
    return Scan(parts[0] + 1j * parts[1], noise_std=0.1, ground_truth=parts[0][:, 0])


def cases() -> Cases:
    whole = scan()
    kspace = whole.kspace.copy()
    kspace[list(EMPTY)] = 0
    return scan_cases(Scan(kspace, noise_std=0.1), "fourier")


INDICES = st.integers(-SLICES, SLICES - 1)
BOUNDS = st.none() | st.integers(-7, 7)
RANGES = st.builds(slice, BOUNDS, BOUNDS, st.sampled_from([None, 1, 2, -1, -2]))


@given(INDICES | RANGES)
def test_an_index_is_that_of_the_array(index: int | slice) -> None:
    whole = scan()
    expected = whole.kspace[index] if isinstance(index, slice) else whole.kspace[index][None]
    if not len(expected):
        with pytest.raises(InputError, match="asked for"):
            whole[index]
        return
    part = whole[index]
    np.testing.assert_array_equal(part.kspace, expected)
    assert len(part) == len(expected)
    np.testing.assert_array_equal(part.ground_truth, whole.ground_truth[index].reshape(-1, SIDE, SIDE))


def test_a_scan_is_its_slices() -> None:
    whole = scan()
    np.testing.assert_array_equal(np.concatenate([one.kspace for one in whole]), whole.kspace)
    assert len(whole) == len(list(whole)) == SLICES
    for index in (SLICES, -SLICES - 1):
        with pytest.raises(InputError, match="slices 0 to 4"):
            whole[index]


def test_a_scan_in_a_file_is_indexed_as_one_in_memory(tmp_path: Path) -> None:
    whole = scan(3)

    def read(slices: list[int]) -> list[Scan]:
        return [whole.select([index]) for index in slices]

    in_file = ScanFile.survey(tmp_path / "a.h5", read, 3)
    assert len(in_file) == 3
    for index in (1, -1, slice(0, 2)):
        assert in_file[index].kspace.shape == whole[index].kspace.shape
    assert [one.slices for one in in_file] == [1, 1, 1]
    for index in (3, -4, slice(3, 3)):
        with pytest.raises(InputError, match="asked for"):
            in_file[index]


@settings(deadline=None, max_examples=30)
@given(st.integers(-3, 2) | RANGES)
def test_cases_are_their_problems(index: int | slice) -> None:
    """Of slices that hold something, as they are iterated over."""
    whole = cases()
    problems = list(whole)
    assert len(whole) == len(problems) == SLICES - len(EMPTY)
    expected = problems[index] if isinstance(index, slice) else [problems[index]]
    if not expected:
        with pytest.raises(InputError, match="asked for none"):
            whole[index]
        return
    found = list(whole[index]) if isinstance(index, slice) else [whole[index]]
    assert [one.y.tolist() for one in found] == [one.y.tolist() for one in expected]


def test_there_is_no_problem_beyond() -> None:
    for index in (3, -4):
        with pytest.raises(InputError, match=f"problems 0 to 2; asked for {index}"):
            cases()[index]
