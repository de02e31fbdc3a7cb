"""The folder that a command writes its results to."""

import tempfile
from pathlib import Path

from invdiff.errors import InputError


def writable_folder(path: Path) -> None:
    """Make the folder where it is missing, and see that it can be written to, before anything takes long.

    What a killed run left half written in it is removed.

    Raises:
        InputError: it can't.
    """
    from invdiff.files.atomic import remove_abandoned

    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {path} can't be made: {error.strerror}.") from error
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(f"The folder {path} can't be written to: {error.strerror}.") from error
    remove_abandoned(path)
