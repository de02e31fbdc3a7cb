"""A folder that is to be there."""

from pathlib import Path

from invdiff.errors import InputError


def make_folder(path: Path) -> None:
    """Make a folder, and those around it, where they are missing.

    Raises:
        InputError: it can't be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {path} can't be made: {error.strerror}.") from error
