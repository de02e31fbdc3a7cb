"""The command line: one thin file a command, no logic, and nothing heavy imported before a command runs."""

import sys

import typer

from invdiff.cli.convert import convert
from invdiff.cli.detect import detect
from invdiff.cli.evaluate import evaluate
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

app = typer.Typer(
    help="Reconstruct images from incomplete measurements with diffusion priors.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (
    solve, export, report, regions, detect, evaluate, verify, tune_lambda, train, sample, simulate, methods, operators,
    convert,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line; what the user's input caused, and what the machine has no room or no right for, is one
    sentence on standard error and exit status 2.

    An interrupt is exit status 130, by typer.
    """
    try:
        app()
    except REFUSED as error:
        sentence = refusal(error)
        if sentence is None:
            raise
        tell(f"invdiff: {sentence}", aside=True)
        sys.exit(2)
