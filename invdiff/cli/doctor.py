"""``invdiff doctor``: what is here, and whether it works."""

import typer


def doctor() -> None:
    """Tell."""
    raise typer.Exit
