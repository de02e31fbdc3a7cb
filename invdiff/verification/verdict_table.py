"""Verdicts as a CSV file, and their standings as rows of a table."""

import os
from collections.abc import Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any

from invdiff.files.csv_table import write_csv
from invdiff.verification.gates import GATES
from invdiff.verification.judge import Verdict
from invdiff.verification.measures import Measures
from invdiff.verification.standing import Standing

MEASURES = tuple(field.name for field in fields(Measures))
COLUMNS = (
    "method",
    "prior",
    "operator",
    "noise_std",
    "budget",
    "calls",
    "verdict",
    *MEASURES,
    *(f"{name}_error" for name in MEASURES),
    "reason",
)
"""Of the file. ``verdict`` is right, wrong or not judged; ``reason`` names the gates that are crossed, or says what
else is wrong; ``_error`` is a standard error."""

HEADINGS = ("calls", "right on", *(gate.title for gate in GATES))
"""Of a standing's row."""


def row(verdict: Verdict) -> dict[str, str]:
    """A verdict as text, by `COLUMNS`."""
    found, errors = verdict.measures, verdict.errors
    problem = verdict.problem
    return {
        "method": verdict.method,
        "prior": problem.prior,
        "operator": problem.operator,
        "noise_std": f"{problem.noise_std:g}",
        "budget": str(verdict.budget),
        "calls": str(verdict.calls),
        "verdict": "right" if verdict.is_right else "wrong" if verdict.is_judged else "not judged",
        **{name: "" if found is None else f"{getattr(found, name):.4f}" for name in MEASURES},
        **{f"{name}_error": "" if errors is None else f"{getattr(errors, name):.4f}" for name in MEASURES},
        "reason": verdict.refusal or "; ".join(verdict.crossed),
    }


def write_table(path: str | os.PathLike[str], verdicts: Sequence[Verdict]) -> None:
    """Write a CSV file with a row for each verdict, whole or not at all.

    Raises:
        InputError: it can't be written.
    """
    write_csv(path, COLUMNS, map(row, verdicts))


def cells(standing: Standing) -> list[str]:
    """The standing of a method that was judged as text, by `HEADINGS`: of bias and distance the median and the largest,
    of the others the least and the largest over problems."""
    right = sum(verdict.is_right for verdict in standing.judged)
    numbers = [_range(standing, gate.measure, from_median=gate.measure in ("bias", "distance")) for gate in GATES]
    return [str(standing.budget), f"{right} of {len(standing.judged)}", *numbers]


def _range(standing: Standing, measure: str, *, from_median: bool) -> str:
    found = standing.over_problems(measure)
    if found is None:
        return ""
    least, median, largest = found
    scale, digits = (100, 0) if measure.startswith("coverage") else (1, 2)
    first, last = scale * (median if from_median else least), scale * largest
    return f"{_plain(first, digits)}–{_plain(last, digits)}"


def _plain(value: float, digits: int) -> str:
    """With digits that fall as it grows, and one less below zero: in four characters."""
    if abs(value) >= 9999.5:
        return f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
    digits = digits - 1 if value < 0 < digits else digits
    shown = digits if abs(value) < 9.995 else min(digits, 1) if abs(value) < 99.95 else 0
    return f"{value:.{shown}f}"


def rich_table(rows: Sequence[Standing]) -> Any:
    """What a `rich.console.Console` prints of standings: the method's name, and below it a line of at most 80 columns
    for each budget, or why it was not judged. What crosses a gate somewhere has a star."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    caption = (
        "* crosses its gate on a problem. Bias and distance in posterior standard deviations, median and largest over "
        "problems; spread over the posterior's, and what intervals of 50 and 90 % hold, least and largest."
    )
    shown: list[Any] = [_lines((), show_header=True)]
    for method, found in groupby(rows, key=lambda each: each.method):
        standings = tuple(found)
        shown += [Text(method), _lines([each for each in standings if each.judged], show_header=False)]
        said = dict.fromkeys(sentence for each in standings for sentence in _sentences(each))
        shown += [Padding(Text(sentence), (0, 0, 0, 2)) for sentence in said]
    return Group(*shown, Text(), Text(caption))


def _sentences(standing: Standing) -> Sequence[str]:
    """What can't be told in numbers: why a method was not judged, or what went wrong beside its gates."""
    if not standing.judged:
        return (f"not judged: {standing.verdicts[0].refusal}",)
    titles = [gate.title for gate in GATES]
    return [name for name in standing.crossed if name not in titles]


def _lines(rows: Sequence[Standing], *, show_header: bool) -> Any:
    """The standings of one method, in columns that are as wide as every other method's."""
    from rich.table import Column, Table

    headings = [heading.replace("spread ", "spread\n") for heading in HEADINGS]
    columns = [
        Column(heading, justify="right", min_width=width, no_wrap=True, vertical="bottom")
        for heading, width in zip(headings, _WIDTHS, strict=True)
    ]
    made = Table(*columns, box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=show_header)
    for each in rows:
        calls, right, *numbers = cells(each)
        stars = ["*" if gate.title in each.crossed else " " for gate in GATES]
        made.add_row(calls, right, *map("".join, zip(numbers, stars, strict=True)))
    return made


_WIDTHS = (5, 8, *(8 if gate.measure.startswith("coverage") else 11 for gate in GATES))
