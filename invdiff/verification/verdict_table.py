"""Verdicts as a CSV file, and their standings as rows of a table."""

import os
from collections.abc import Sequence
from dataclasses import fields
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

HEADINGS = ("method", "calls", "right on", *(gate.title for gate in GATES), "fails")
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
    """A standing as text, by `HEADINGS`: of bias and distance the median and the largest, of the others the least and
    the largest over problems."""
    judged = len(standing.judged)
    if not judged:
        reason = standing.verdicts[0].refusal
        return [standing.method, str(standing.budget), "not judged", *[""] * len(GATES), reason]
    right = sum(verdict.is_right for verdict in standing.judged)
    numbers = [_range(standing, gate.measure, from_median=gate.measure in ("bias", "distance")) for gate in GATES]
    fails = "everywhere" if set(standing.crossed) >= {gate.title for gate in GATES} else ", ".join(standing.crossed)
    return [standing.method, str(standing.budget), f"{right} of {judged}", *numbers, fails or "nowhere"]


def _range(standing: Standing, measure: str, *, from_median: bool) -> str:
    found = standing.over_problems(measure)
    if found is None:
        return ""
    least, median, largest = found
    scale, digits = (100, 0) if measure.startswith("coverage") else (1, 2)
    first, last = scale * (median if from_median else least), scale * largest
    return f"{_plain(first, digits)} to {_plain(last, digits)}"


def _plain(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if abs(value) < 100 else f"{value:.0f}"


def rich_table(rows: Sequence[Standing]) -> Any:
    """A `rich.table.Table` of standings, to be printed by a `rich.console.Console`."""
    from rich.box import SIMPLE
    from rich.table import Table

    caption = (
        "bias and distance in posterior standard deviations, median and largest over problems; spread over the "
        "posterior's, and what intervals of 50 and 90 % hold, least and largest"
    )
    made = Table(*HEADINGS, box=SIMPLE, caption=caption, caption_justify="left", pad_edge=False)
    made.columns[0].no_wrap = True
    for each in rows:
        made.add_row(*cells(each))
    return made
