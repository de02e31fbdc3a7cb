"""``invdiff verify``: are a method's samples those of the posterior?"""

from pathlib import Path
from typing import Annotated

import typer

from invdiff.cli.completion import method_names
from invdiff.cli.options import AsJson, Force, Quiet, Scheduler, Seed, SettingsOfMethods, Threads, Workers


def verify(
    context: typer.Context,
    method: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="METHOD",
            autocompletion=method_names,
            help="Methods of `invdiff methods`, of installed packages, or FILE.py:FUNCTION, a file of yours that is "
            "RUN: name none that you did not read.  [default: all of `invdiff methods`]",
        ),
    ] = None,
    short: Annotated[
        bool, typer.Option("--short", help="Seven problems with 50 calls, instead of 32 with 20, 50 and 100.")
    ] = False,
    budget: Annotated[
        list[int] | None,
        typer.Option(min=1, max=100_000, help="Network calls for each sample, at most; may be repeated."),
    ] = None,
    settings: SettingsOfMethods = None,
    samples: Annotated[int, typer.Option(min=20, max=10_000, help="Samples of each measurement.")] = 100,
    draws: Annotated[int, typer.Option(min=1, max=100, help="Measurements of each problem.")] = 2,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for verdicts.csv and verdicts.png.")] = Path("invdiff-verification"),
    force: Force = False,
    threads: Threads = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Judge methods on problems whose posterior is known exactly: bias, spread, coverage and distance.

    Writes verdicts.csv, verdicts.png and run.json, which says how they were made.

    Exit status: 0 where every method that takes the problems is right with the most calls; 1 where one is not; 2 for
    what can't be done, in a sentence, and where no method takes any problem; 130 for an interrupt.
    """
    from importlib.metadata import version

    from invdiff.cli.computing import Computing
    from invdiff.cli.deciding import deciding_command
    from invdiff.cli.folder import folder_of
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.output import WRONG, Output
    from invdiff.evaluation import share_settings
    from invdiff.methods import METHODS
    from invdiff.reconstruction.another_result import refuse_another_table
    from invdiff.reconstruction.run_record import write_record
    from invdiff.verification import FULL, SHORT, Candidate, Extent, candidate_method, standings, write_figure
    from invdiff.verification import verify as judged
    from invdiff.verification.verdict_table import rich_table, row, write_table

    keep_heap()
    output, extent = Output(as_json, quiet), Extent(samples, draws, seed)
    names = list(dict.fromkeys(method or METHODS))
    found = {name: candidate_method(name) for name in names}
    given = share_settings(settings or [], list(found.values()))
    candidates = [Candidate(name, tuple(given[found[name].name].items())) for name in names]
    problems, budgets = (SHORT, [50]) if short else (FULL, [20, 50, 100])
    budgets = sorted(set(budget or budgets))
    computing = Computing(threads=threads, workers=workers, scheduler=scheduler)
    record = {"command": deciding_command(context), "method": " ".join(names), "seed": seed}
    record |= {f"{package}_version": version(package) for package in ("invdiff", "torch", "numpy")}
    if not force:
        refuse_another_table(out / "verdicts.csv", record)
    folder_of("verify", out)
    output.say(computing.description)
    with (
        computing.executor() as executor,
        output.progress(f"{len(names)} method(s), {len(problems)} problems") as progress,
    ):
        verdicts = judged(candidates, problems, budgets, extent, executor=executor, progress=progress)
    rows = standings(verdicts)
    write_record(out, record)  # first: a table beside which nothing says how it was made is refused the next time
    write_table(out / "verdicts.csv", verdicts)
    write_figure(out / "verdicts.png", rows)
    output.show(rich_table(rows))
    wrong = [each.method for each in rows if each.budget == budgets[-1] and each.judged and not each.is_right]
    output.say(f"wrote {out / 'verdicts.csv'} and {out / 'verdicts.png'}")
    code = WRONG if wrong else 0
    output.finish({"command": "verify", "exit_status": code, "wrong": wrong, "rows": [row(each) for each in verdicts]})
    if code:
        raise typer.Exit(code)
