"""Counts are those of the papers' own code, run or read."""

from collections.abc import Callable

import numpy as np
import pytest

from invdiff.data import MASKS, achieved_acceleration, calibration_region
from invdiff.data.legacy_masks import (
    bernoulli_fastmri,
    equispaced_fastmri,
    equispaced_jalal,
    gaussian2d_scoremri,
    random_jalal,
    uniform_scoremri,
)
from invdiff.data.mask_parts import Mask
from invdiff.errors import InputError

LEGACY = sorted(name for name in MASKS if "-" in name)
SQUARE = (320, 320)


@pytest.mark.parametrize("name", LEGACY)
def test_shape_seed_and_lines(name: str) -> None:
    mask = MASKS[name]((24, 60), 4, 0.1, 3)
    assert mask.shape == (24, 60)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, MASKS[name]((24, 60), 4, 0.1, 3))
    assert (mask == mask[0]).all() == ("2d" not in name)
    random = not name.startswith("equispaced")
    assert (mask != MASKS[name]((24, 60), 4, 0.1, 4)).any() == random


@pytest.mark.parametrize(("asked", "kept"), [(10, 10), (30, 31), (60, 60), (20, 19)])
def test_song_keeps_so_many_of_240_columns(asked: int, kept: int) -> None:
    assert equispaced_fastmri((8, 240), 240 / asked, asked / 1000)[0].sum() == kept


def test_lines_of_fastmri_are_equidistant_from_half_a_distance_on() -> None:
    lines = np.flatnonzero(equispaced_fastmri((1, 240), 240 / 10, 10 / 1000)[0])
    # two central lines, and distances of 29.75 from 15 on, halves rounded to even
    assert lines.tolist() == [15, 45, 74, 104, 119, 120, 134, 164, 194, 223]


@pytest.mark.parametrize(
    ("name", "at_four", "at_eight"),
    [("uniform-scoremri", 4.46, 8.43), ("gaussian-scoremri", 4.09, 6.69), ("gaussian2d-scoremri", 7.5, 11.5)],
)
def test_score_mri_achieves_other_accelerations_than_it_is_asked_for(
    name: str, at_four: float, at_eight: float
) -> None:
    shape = (1, 320) if "2d" not in name else SQUARE
    for asked, centre, expected in ((4, 0.08, at_four), (8, 0.04, at_eight)):
        seeds = range(200 if "2d" not in name else 4)
        achieved = [achieved_acceleration(MASKS[name](shape, asked, centre, seed)) for seed in seeds]
        assert np.mean(achieved) == pytest.approx(expected, rel=0.015)


def test_uniform_points_collide() -> None:
    # a share of 1 - exp(-1 / R) is hit by n / R draws of n
    achieved = achieved_acceleration(MASKS["uniform2d-scoremri"](SQUARE, 4, 0, 0))
    assert achieved == pytest.approx(1 / (1 - np.exp(-1 / 4)), rel=0.01)


def test_points_spread_by_each_side() -> None:
    rows, columns = np.nonzero(gaussian2d_scoremri((160, 320), 60, seed=1))  # so few that they hardly collide
    assert rows.std() == pytest.approx(160 * np.sqrt(1.5 / 128), rel=0.1)
    assert columns.std() == pytest.approx(320 * np.sqrt(1.5 / 128), rel=0.1)


def test_jalal() -> None:
    assert random_jalal(SQUARE, 4, 0.08)[0].sum() == 80
    assert random_jalal(SQUARE, 8, 0.04)[0].sum() == 40
    lines = equispaced_jalal(SQUARE, 4, 0.08)[0]
    assert lines.sum() == 25 + -(-295 // 4)  # a quarter of the lines outside the centre, the first among them
    assert lines[0]
    assert SQUARE[1] / lines.sum() == pytest.approx(3.23, abs=0.01)


def test_fastmri_expects_the_acceleration() -> None:
    kept = [bernoulli_fastmri((1, 400), 4, 0.08, seed).mean() for seed in range(200)]
    assert np.mean(kept) == pytest.approx(1 / 4, abs=0.005)


@pytest.mark.parametrize(
    ("mask", "start"),
    [
        (lambda n, f: bernoulli_fastmri((1, n), 2.01, f, 1), lambda n, low: (n - low + 1) // 2),
        (lambda n, f: random_jalal((1, n), n / (n * f + 1), f, 2), lambda n, low: (n - low) // 2),
        (lambda n, f: uniform_scoremri((1, n), n / (n * f + 1), f, 2), lambda n, low: n // 2 - low // 2),
    ],
    ids=["fastmri", "jalal", "scoremri"],
)
@pytest.mark.parametrize(("width", "low"), [(60, 29), (60, 28), (61, 29), (61, 28)])
def test_the_centre_lies_where_each_source_puts_it(
    mask: Callable[[int, float], Mask], start: Callable[[int, int], int], width: int, low: int
) -> None:
    lines = mask(width, low / width)[0]
    begin = start(width, low)
    assert lines[begin : begin + low].all()
    assert lines.sum() <= low + 2  # so the centre is little more than this
    assert not lines[max(begin - 3, 0) : begin].all()
    assert not lines[begin + low : begin + low + 3].all()


def test_points_of_score_mri_have_no_calibration_lines() -> None:
    height, width = calibration_region(gaussian2d_scoremri((64, 64), 8, 0.5))
    assert height * width < 36


@pytest.mark.parametrize(
    ("name", "acceleration", "centre", "words"),
    [
        ("equispaced-fastmri", 8, 0.2, "leaves none for the rest"),
        ("bernoulli-fastmri", 8, 0.2, "leaves none for the rest"),
        ("bernoulli-fastmri", 8, 1.2, "between 0 and 1"),
        ("random-jalal", 8, 0.5, "allows 7"),
        ("uniform-scoremri", 8, 0.5, "allows 7"),
        *((name, 0.5, 0, "acceleration is 1") for name in LEGACY),
    ],
)
def test_impossible_masks_are_refused(name: str, acceleration: float, centre: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        MASKS[name]((24, 60), acceleration, centre, 0)


@pytest.mark.parametrize("name", sorted(set(LEGACY) - {"equispaced-fastmri"}))
def test_no_acceleration_is_no_error(name: str) -> None:
    assert MASKS[name]((24, 60), 1, 0.1, 0).any()
