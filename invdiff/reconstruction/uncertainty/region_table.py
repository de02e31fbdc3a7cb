"""Means of regions and their differences, as rows of a table."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from invdiff.errors import InputError
from invdiff.files.csv_table import write_csv
from invdiff.reconstruction.uncertainty.magnitude import Magnitude
from invdiff.reconstruction.uncertainty.region import Region
from invdiff.reconstruction.uncertainty.student import Student

COLUMNS = ("slice", "region", "pixels", "mean", "lower", "upper", "level", "probability_brighter")


def rows_of(
    magnitude: Magnitude, row: int, regions: Mapping[str, Region], pairs: Sequence[tuple[str, str]], level: float
) -> list[dict[str, Any]]:
    """The mean of each region in a slice with its interval, and of each pair the difference with its interval and the
    probability that the first is the brighter one. A region that has no pixel in the slice is left out.

    Args:
        magnitude: what samples tell of the slice.
        row: of the slice in the result.
        regions: by name.
        pairs: of names.
        level: of the intervals, within (0, 1).

    Raises:
        InputError: a name is that of no region, or the level makes no sense.
    """
    unknown = next((name for pair in pairs for name in pair if name not in regions), None)
    if unknown is not None:
        raise InputError(f"There is no region {unknown!r}; there are {', '.join(regions)}.")
    masks = {name: region.of_slice(row) for name, region in regions.items()}
    there = {name: mask for name, mask in masks.items() if mask.any()}
    rows = [
        {"region": name, "pixels": int(mask.sum()), **_told(magnitude.mean_in(mask), level, least=0.0)}
        for name, mask in there.items()
    ]
    for brighter, darker in pairs:
        if brighter in there and darker in there:
            difference = magnitude.difference(there[brighter], there[darker])
            probability = float(difference.probability_above_zero)
            told = {**_told(difference, level), "probability_brighter": probability}
            rows.append({"region": f"{brighter} - {darker}", **told})
    return rows


def write_rows(path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write CSV, whole or not at all.

    Raises:
        InputError: it can't be written.
    """
    write_csv(path, COLUMNS, rows)


def _told(found: Student, level: float, least: float = -math.inf) -> dict[str, float]:
    lower, upper = found.interval(level, least)
    return {"mean": float(found.centre), "lower": float(lower), "upper": float(upper), "level": level}
