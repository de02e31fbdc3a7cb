"""What a reader says about how it understood a file reaches the user."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from invdiff.data import Scan, ScanFile, shepp_logan, simulate
from invdiff.reconstruction import scan_cases

SHAPE = (24, 20)
FULL = simulate(np.stack([shepp_logan(SHAPE)] * 3), coils=2, noise_std=0.02)
DOUBTED = replace(FULL, remarks=("Axes were taken for what they are not.",))


def a_slice(index: int) -> Scan:
    remarks = ("All slices say this.", f"Only slice {index} says this.") if index else ()
    return replace(FULL.select([index]), remarks=remarks)


def test_they_go_with_the_scan() -> None:
    assert FULL.remarks == ()
    assert DOUBTED.select([1]).undersample(np.arange(20) % 2 == 0).remarks == DOUBTED.remarks


def test_those_of_all_slices_are_told_once() -> None:
    survey = ScanFile.survey(Path("long.h5"), lambda indices: [a_slice(index) for index in indices], 3)
    expected = ("All slices say this.", "Only slice 1 says this.", "Only slice 2 says this.")
    assert survey.remarks == expected
    assert survey.select([0]).remarks == expected


def test_a_user_is_warned_by_them_first() -> None:
    preparation = scan_cases(DOUBTED, "sense").preparation
    assert preparation is not None
    assert preparation.warnings[:1] == DOUBTED.remarks
    assert str(preparation.attributes["warnings"]).startswith(DOUBTED.remarks[0])
