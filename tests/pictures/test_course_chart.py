"""The course of runs as a diagram: what lies higher is drawn higher, within the box, and gaps stay gaps."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.pictures.report import Band, CourseChart
from tests.pictures.reports import HOSTILE
from tests.pictures.test_report import SVG

LEVELS = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=400)


def band(levels: list[float]) -> Band:
    return Band(levels, [0.5 * level for level in levels], [2 * level for level in levels])


def lines(markup: str, element: str = "polyline") -> list[np.ndarray]:
    found = re.findall(rf'<{element} class="[^"]*" points="([^"]*)"', markup)
    return [np.array([point.split(",") for point in one.split()], float) for one in found]


@given(LEVELS)
def test_numbers_lie_on_a_logarithmic_axis_within_the_box(levels: list[float]) -> None:
    drawn = CourseChart("residual", {"samples": band(levels)}, 1.0).markup
    (line,), (around,) = lines(drawn), lines(drawn, "polygon")
    for points in (line, around):
        assert ((points >= 0) & (points <= [420, 170])).all()
    assert len(line) <= 151
    step = -(-len(levels) // 150)
    shown = [levels[k] for k in sorted({*range(0, len(levels), step), len(levels) - 1})]
    heights, logarithms = -line[:, 1], np.log10(shown)
    if np.ptp(logarithms) > 0.5:
        slope, offset = np.polyfit(logarithms, heights, 1)
        assert slope > 0
        np.testing.assert_allclose(heights, slope * logarithms + offset, atol=0.2)
    assert (np.diff(line[:, 0]) > 0).all()
    assert set(re.findall(r"<(\w+)", drawn)) <= {*SVG, "figure", "figcaption"}


@given(st.lists(st.sampled_from([1.0, 3.0, math.nan, 0.0, math.inf, -1.0]), min_size=1, max_size=9))
def test_what_is_unknown_is_a_gap(levels: list[float]) -> None:
    drawn = CourseChart("change", {"estimate": band(levels)}).markup
    known = "".join("x" if level in (1.0, 3.0) else " " for level in levels)
    assert [len(line) for line in lines(drawn)] == [len(part) for part in known.split()]
    assert bool(drawn) == bool(known.strip())


def test_two_kinds_of_runs_are_told_apart_on_one_axis() -> None:
    drawn = CourseChart("residual", {"estimate": band([1.0, 1.0]), "samples": band([4.0, 2.0, 1.0, 1.0])}, 1.0).markup
    first, second = lines(drawn)
    assert first[0, 0] == second[0, 0]
    assert first[-1, 0] < second[-1, 0]
    assert first[0, 1] == second[-1, 1] > second[0, 1]
    assert re.findall(r'<text class="(\w+)"[^>]*>(\w+)<', drawn) == [("first", "estimate"), ("second", "samples")]
    reference = float(re.search(r'class="reference" d="M\d+ ([\d.]+)H', drawn)[1])
    assert reference == pytest.approx(first[0, 1], abs=0.1)


def test_a_title_is_text() -> None:
    drawn = CourseChart(HOSTILE, {"samples": band([1.0])}).markup
    assert "<script" not in drawn
    assert "<img" not in drawn


@pytest.mark.parametrize("parts", [([], [], []), ([1.0], [1.0, 1.0], [1.0])])
def test_a_band_is_of_as_many_numbers(parts: tuple[list[float], ...]) -> None:
    with pytest.raises(InputError, match="numbers"):
        Band(*parts)
