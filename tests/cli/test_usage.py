"""The line that says how a command is used names arguments alike everywhere, as its help and its words do."""

import pytest
import typer

from invdiff.cli import app

COMMANDS = typer.main.get_command(app).commands


@pytest.mark.parametrize("name", COMMANDS)
def test_arguments_are_capitals_without_brackets_of_their_own(name: str) -> None:
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "argument":
            assert parameter.metavar is not None
            assert parameter.metavar.isalpha()
            assert parameter.metavar.isupper()


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_asked_stands_alone(name: str) -> None:
    """No help goes on from the option's own name, or from the line above."""
    for parameter in COMMANDS[name].params:
        said = getattr(parameter, "help", None)
        assert said, parameter.name
        assert not said.startswith(("Of all", "For ", "The same of", "Such as")), parameter.name
