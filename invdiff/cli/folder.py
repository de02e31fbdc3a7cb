"""The folder that a command writes its results to."""

from pathlib import Path

from invdiff.errors import InputError


def writable_folder(path: Path) -> None:
    """Make the folder where it is missing, and see that it can be written to, before anything takes long.

    Raises:
        InputError: it can't.
    """
    from invdiff.files.atomic import atomic

    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {path} can't be made: {error.strerror}.") from error
    with atomic(path / ".writable"):
        pass
    (path / ".writable").unlink()
