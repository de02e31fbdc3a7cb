"""Which slices are meant is said alike by all commands: `--slices FIRST:END`, or `--slice N`, again and again."""

from collections.abc import Iterable

import click
import pytest
import typer

from invdiff.cli import app

COMMANDS = typer.main.get_command(app).commands
FORMS = {"--slices": ("FIRST:END", False), "--slice": (None, True)}


def of_another_form(options: Iterable[click.Parameter]) -> list[str]:
    """Names of options that ask for slices, but not in the form of their name."""
    return [
        name
        for option in options
        for name in option.opts
        if name in FORMS and (option.metavar, option.multiple) != FORMS[name]
    ]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_slices_are_named_alike(command: str) -> None:
    assert of_another_form(COMMANDS[command].params) == []


def test_both_forms_are_met() -> None:
    met = {name for command in COMMANDS.values() for option in command.params for name in option.opts}
    assert met >= set(FORMS)


def test_one_name_for_two_forms_is_found() -> None:
    swapped = [click.Option(["--slices"], multiple=True, type=int), click.Option(["--slice"], metavar="FIRST:END")]
    assert of_another_form(swapped) == ["--slices", "--slice"]
