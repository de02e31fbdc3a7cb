"""Standings on a terminal of 80 columns: a line is a row, whatever its numbers, and nothing is cut."""

from dataclasses import astuple, replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from invdiff.verification import SHORT, Measures, Verdict, rich_table, standings
from invdiff.verification.gates import GATES
from invdiff.verification.standing import Standing
from invdiff.verification.verdict_table import HEADINGS, cells

RIGHT = Measures(0.02, 1.01, 0.99, 0.5, 0.9, 0.01)
NONE = Measures(0, 0, 0, 0, 0, 0)
positive = st.floats(0, 1e12)
share = st.floats(0, 1)
measured = st.builds(Measures, positive, positive, positive, share, share, st.floats(-0.5, 1e12))


def verdict(method: str, found: Measures | None, budget: int = 20, **also: object) -> Verdict:
    return replace(Verdict(method, SHORT[0], budget, budget, found, NONE if found else None), **also)


def printed(rows: list[Standing]) -> list[str]:
    stream = StringIO()
    Console(file=stream, width=80).print(rich_table(rows))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_cells() -> None:
    others = [verdict("one", replace(RIGHT, bias=2.0), crossed=("bias",)), verdict("one", replace(RIGHT, bias=0.5))]
    (standing,) = standings([verdict("one", RIGHT), *others])
    found = dict(zip(HEADINGS, cells(standing), strict=True))
    assert (found["calls"], found["right on"], found["bias"], found["90 %"]) == ("20", "2 of 3", "0.50–2.00", "90–90")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.004, "0.00"),
        (1.0849, "1.08"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.96, "100"),
        (9999.4, "9999"),
        (266375, "3e5"),
    ],
)
def test_digits_fall_as_numbers_grow(value: float, text: str) -> None:
    (standing,) = standings([verdict("one", replace(RIGHT, measured=value))])
    assert cells(standing)[3] == f"{text}–{text}"


@given(
    found=st.lists(measured, min_size=1, max_size=5), budgets=st.lists(st.integers(1, 99_999), min_size=1, max_size=3)
)
def test_a_row_is_a_line_of_80_columns(found: list[Measures], budgets: list[int]) -> None:
    """Of any numbers and every gate crossed: each budget's numbers stand whole in one line, a star behind each."""
    everything = tuple(gate.title for gate in GATES)
    name = "song2021_langevin_projection"
    rows = standings([verdict(name, one, budget, crossed=everything) for budget in set(budgets) for one in found])
    lines = printed(rows)
    assert max(map(len, lines)) <= 80
    for each in rows:
        calls, right, *numbers = cells(each)
        assert [calls, *right.split(), *(f"{number}*" for number in numbers)] in [line.split() for line in lines]


def test_headings_are_whole() -> None:
    first, second, name, *_ = printed(standings([verdict("one", RIGHT)]))
    assert first.split() == ["spread", "spread"]
    assert second.split() == [
        "calls",
        "right",
        "on",
        "bias",
        "measured",
        "unmeasured",
        "50",
        "%",
        "90",
        "%",
        "distance",
    ]
    assert name == "one"
    for heading in ("measured", "unmeasured"):  # which stand below what they belong to, to the right
        end = second.index(f" {heading}") + 1 + len(heading)
        assert first[:end].endswith("spread")


def test_stars_stand_where_gates_are_crossed() -> None:
    lines = printed(standings([verdict("one", replace(RIGHT, bias=2.0), crossed=("bias",))]))
    assert lines[3].count("*") == 1
    assert "2.00–2.00*" in lines[3]


def test_what_is_no_number_is_a_sentence() -> None:
    left = verdict("lost", None, crossed=("The states left the finite numbers.",))
    refused = [
        verdict("refused", None, budget, refusal="It takes none, " + 20 * "whatever it is, ") for budget in (20, 50)
    ]
    lines = printed(standings([verdict("one", RIGHT), left, *refused]))
    assert "  The states left the finite numbers." in lines
    assert lines[lines.index("lost") + 1].split() == ["20", "0", "of", "1"]
    assert sum("not judged: It takes none" in line for line in lines) == 1
    assert max(map(len, lines)) <= 80


def test_numbers_that_there_are_none_of_leave_a_gap() -> None:
    (standing,) = standings([verdict("one", replace(RIGHT, unmeasured=float("nan")))])
    assert cells(standing)[4] == ""
    assert len(astuple(RIGHT)) == len(cells(standing)) - 2
