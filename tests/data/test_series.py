import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data.series import SINGLE, Series, told_apart
from invdiff.errors import InputError

COUNTERS = st.integers(0, 2)
WHOLE = st.builds(Series, st.sampled_from(["a", "b/../c"]), COUNTERS, COUNTERS, COUNTERS, COUNTERS)
HELD = st.lists(WHOLE, min_size=1, max_size=8, unique=True)


@given(HELD)
def test_what_is_told_apart_is_held_by_itself_alone(held: list[Series]) -> None:
    short = told_apart(held)
    assert all(one.one_of(held, "scan.h5") == whole for one, whole in zip(short, held, strict=True))
    assert len({one.name for one in short}) == len({one.label for one in short}) == len(held)
    assert all(re.fullmatch(r"[\w.-]*", one.label) for one in short)


@given(HELD)
def test_nothing_that_all_have_in_common_is_said(held: list[Series]) -> None:
    for name in ("group", "contrast", "repetition", "phase", "set"):
        values = {getattr(one, name) for one in held}
        assert all((name in one.said) == (len(values) > 1) for one in told_apart(held))


@given(HELD, WHOLE)
def test_holding_is_agreeing_in_what_is_said(held: list[Series], other: Series) -> None:
    short = told_apart(held)
    for one in short:
        assert one.holds(other) == all(getattr(other, name) == value for name, value in one.said.items())
        assert SINGLE.holds(one)


def test_names() -> None:
    one = Series(contrast=1, repetition=0, set=2)
    assert one.name == "contrast 1, repetition 0, set 2"
    assert one.label == "contrast-1-repetition-0-set-2"
    assert one.options == "--contrast 1 --repetition 0 --set-number 2"
    assert one.of_file("scan.h5") == "scan.h5, contrast 1, repetition 0, set 2"
    assert SINGLE.of_file("scan.h5") == "scan.h5"


@pytest.mark.parametrize(
    ("asked", "held", "words"),
    [
        (SINGLE, [], "scan.h5 holds no line of an image"),
        (Series(contrast=1), [SINGLE], "holds no contrast 1; it holds one measurement, which has no such number"),
        (Series(contrast=1), [Series("a", 0, 0, 0, 0)], "holds no contrast 1; it holds contrast 0"),
        (
            SINGLE,
            [Series("a", 0, n, 0, 0) for n in range(2)],
            "holds repetition 0; repetition 1; choose one of them, such as --repetition 0",
        ),
        (
            Series(repetition=12),
            [Series("a", 0, n, 0, 0) for n in range(12)],
            "holds no repetition 12; it holds repetition 0; .* repetition 7 and 4 more",
        ),
        (
            Series(contrast=1),
            [Series("a", c, r, 0, 0) for c in range(2) for r in range(2)],
            "holds repetition 0; repetition 1; choose one of them, such as --repetition 0",
        ),
    ],
)
def test_none_or_several(asked: Series, held: list[Series], words: str) -> None:
    with pytest.raises(InputError, match=words):
        asked.one_of(held, "scan.h5")
