"""The command line: one thin file a command, and nothing heavy imported before a command runs."""

import sys
from typing import Annotated

import typer

from invdiff.cli.convert import convert
from invdiff.cli.detect import detect
from invdiff.cli.doctor import doctor
from invdiff.cli.evaluate import evaluate
from invdiff.cli.examples import shown_below_help
from invdiff.cli.export import export
from invdiff.cli.listings import methods, operators
from invdiff.cli.output import tell
from invdiff.cli.regions import regions
from invdiff.cli.report import report
from invdiff.cli.sample import sample
from invdiff.cli.simulate import simulate
from invdiff.cli.solve import solve
from invdiff.cli.train import train
from invdiff.cli.tune_lambda import tune_lambda
from invdiff.cli.verify import verify
from invdiff.refusal import REFUSED, refusal

EXIT_STATUS = {
    0: "what was asked for is there",
    1: "what was judged is not right (`verify`, `doctor`)",
    2: "it can't be done; a sentence on standard error says why",
    3: "a part of what was asked for is missing, and the rest is there",
    130: "an interrupt; the same command goes on",
}
"""What the exit status of a command means."""

app = typer.Typer(
    help="Reconstruct images from incomplete measurements with diffusion priors.",
    epilog="Exit status: " + ". ".join(f"{code}: {meaning}" for code, meaning in EXIT_STATUS.items()) + ".",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (
    solve, doctor, export, report, regions, detect, evaluate, verify, tune_lambda, train, sample, simulate, methods,
    operators, convert,
)  # fmt: skip
for command in COMMANDS:
    app.command(epilog=shown_below_help(command.__name__.replace("_", "-")))(command)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        tell(f"invdiff {version('invdiff')}")
        raise typer.Exit


@app.callback()
def _general(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version, and exit.")
    ] = False,
) -> None:
    """What every command shares."""


def main() -> None:
    """Run the command line; what the user's input caused, and what the machine has no room or no right for, is one
    sentence on standard error and exit status 2.

    An interrupt is exit status 130, by typer.
    """
    try:
        app(prog_name="invdiff")  # as a module, too: completion goes by the name
    except REFUSED as error:
        sentence = refusal(error)
        if sentence is None:
            raise
        tell(f"invdiff: {sentence}", aside=True)
        sys.exit(2)
