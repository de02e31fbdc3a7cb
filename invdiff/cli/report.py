"""``invdiff report``: results as pages to look at."""

import os
from pathlib import Path
from typing import Annotated

import typer

from invdiff.cli.options import AsJson, Force, Quiet
from invdiff.cli.output import SOME_FAILED, Output
from invdiff.errors import InputError

RESULT = "reconstruction.h5"
INDEX = "index.html"


def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT", help="A reconstruction.h5, several, or folders of `invdiff solve`, of one or many."
        ),
    ],
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a report of each result beside it: report.html, one file that a browser shows without a network, with
    images, uncertainty, posterior samples, what was sampled, the audit, scores and how it was made. Of more than 200
    slices it is report-1.html and so on. Of several results, index.html lists them, in the folder that holds them all.

    Exit status: 0; 2 for what can't be done, in a sentence; 3 where a report is missing and the rest is there.
    """
    output = Output(as_json, quiet)
    found = [result for path in results for result in _results_in(path)]
    several = len(found) > 1 or any((path / INDEX).exists() for path in results)
    index = Path(os.path.commonpath([path.absolute().parent for path in found])) / INDEX if several else None
    folders = [path.absolute().parent for path in found]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        raise InputError(f"Two of the results are in {twice}, and so would their reports be; move one.")
    reasons = write_reports(output, found, index, replace=force)
    first = next(iter(reasons.values()), "")
    if len(found) == 1 and reasons:
        raise InputError(first)
    for reason in reasons.values():
        output.warn(reason)
    if len(reasons) == len(found):
        raise InputError(f"None of {len(found)} results can be reported on: {first}")
    code = SOME_FAILED if reasons else 0
    output.finish({"command": "report", "exit_status": code, "results": list(map(str, found))})
    if code:
        raise typer.Exit(code)


def write_reports(output: Output, results: list[Path], index: Path | None, *, replace: bool) -> dict[Path, str]:
    """Write a report of each result, and a page that lists them where there is to be one; why there is none of a
    result, by its path. The report of another image is replaced where ``replace`` says so, the list always."""
    from invdiff.pictures.report import Case, write_index
    from invdiff.reconstruction import report_result

    made: list[Case] = []
    reasons: dict[Path, str] = {}
    for path in results:
        try:
            made.append(report_result(path, index, replace=replace))
        except InputError as error:
            reasons[path] = str(error)
    if index is not None and made:
        write_index(index, made)
        output.wrote(f"wrote {index}: {len(made)} report(s)")
    elif made:
        output.wrote(f"wrote {', '.join(str(one.page) for one in made)}")
    return reasons


def _results_in(path: Path) -> list[Path]:
    """The result that a path is, or those in a folder or its own folders.

    Raises:
        InputError: a folder holds none.
    """
    if not path.is_dir():
        return [path]  # one that does not exist is refused by its reader
    found = [path / RESULT] if (path / RESULT).is_file() else sorted(path.glob(f"*/{RESULT}"))
    if not found:
        raise InputError(f"The folder {path} holds no {RESULT}, nor do its own folders; give one of `invdiff solve`.")
    return found
