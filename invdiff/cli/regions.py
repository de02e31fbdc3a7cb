"""``invdiff regions``: means of regions of a reconstruction, with their uncertainty."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.options import AsJson, Force, Quiet
from invdiff.cli.output import Output
from invdiff.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table


def regions(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="A reconstruction.h5 with two samples or more.")],
    region: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=Y0:Y1,X0:X1", help="A rectangle: rows and columns as Python counts them; may be repeated."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="An image of labels (.nii, .nii.gz, .npy, ...), of the result's shape: each of its numbers but zero "
            "is a region of that name."
        ),
    ] = None,
    brighter: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B", help="Ask for the probability that A is brighter than B; may be repeated."),
    ] = None,
    level: Annotated[float, typer.Option(help="The part of the probability that intervals hold.")] = 0.9,
    slices: Annotated[
        str | None,
        typer.Option("--slices", metavar="FIRST:END", help="Slices of the result, such as 10:40, or one."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="The table as a file.",
            show_default="regions.csv beside RESULT, which is of the last call",
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Tell the mean magnitude in regions of a reconstruction with its interval, and how probable it is that one region
    is brighter than another, by its posterior samples.

    Exit status: 0; 2 for what can't be done, in a sentence.
    """
    from invdiff.cli.computing import read_slices
    from invdiff.files.publish import publish
    from invdiff.reconstruction.uncertainty import (
        WrittenSamples,
        conformal_for,
        named_regions,
        read_labels,
        rows_of,
        write_rows,
    )

    output = Output(as_json, quiet)
    written = WrittenSamples.of(result)
    count, samples, height, width = written.shape
    labelled = {} if labels is None else read_labels(labels, (count, height, width), written.affine)
    found = named_regions(region or [], labelled, (height, width))
    pairs = [_pair(text) for text in brighter or []]
    rows: list[dict[str, Any]] = []
    for row in read_slices(slices, count, str(result)):
        magnitude, number = written[row], written.numbers[row]
        if magnitude is None:
            output.warn(f"slice {number} is empty, or failed, and is left out")
        else:
            rows += [{"slice": number, **told} for told in rows_of(magnitude, row, found, pairs, level)]
    if not rows:
        raise InputError(f"No slice that was asked for of {result} has an image and a region in it.")
    path = result.with_name("regions.csv") if out is None else out
    publish(path, lambda place: write_rows(place, rows), replace=force or out is None)
    output.show(_table(rows, level))
    output.say(f"intervals by Student's distribution of {samples} samples, each of one region by itself")
    known = conformal_for(written.attributes, samples)
    if known is not None:
        output.say(known.sentence)
    output.wrote(f"wrote {path}")
    output.finish({"command": "regions", "exit_status": 0, "samples": samples, "table": str(path), "rows": rows})


def _pair(text: str) -> tuple[str, str]:
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or not all(names):
        raise InputError(f"--brighter is A,B, the names of two regions, not {text!r}.")
    return names[0], names[1]


def _table(rows: list[dict[str, Any]], level: float) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    power = math.floor(math.log10(max(abs(row["mean"]) for row in rows) or 1))
    unit, units = (1.0, "") if -3 < power < 5 else (10.0**power, f" (1e{power})")  # of a scanner's numbers, e.g. 1e-5
    table = Table("slice", "region", box=SIMPLE, pad_edge=False)
    for heading in ("pixels", f"mean{units}", f"{level:.0%} interval", "brighter"):
        table.add_column(heading, justify="right")
    for row in rows:
        pixels = str(row.get("pixels", ""))
        probability = f"{row['probability_brighter']:.1%}" if "probability_brighter" in row else ""
        mean, lower, upper = (f"{row[name] / unit:.4g}" for name in ("mean", "lower", "upper"))
        table.add_row(str(row["slice"]), row["region"], pixels, mean, f"{lower} to {upper}", probability)
    return table
