"""The folder that a command writes its results to."""

import tempfile
from pathlib import Path

from invdiff.errors import InputError

RESULTS = {
    "solve": ("reconstruction.h5", "summary.csv"),
    "detect": ("detect.csv",),
    "evaluate": ("scores.csv",),
    "tune-lambda": ("state.json", "trials.csv"),
    "sample": ("samples.h5",),
    "verify": ("verdicts.csv",),
    "train": ("checkpoint.pt", "losses.csv"),
}
"""By which files each command's folder is known."""


def folder_of(command: str, path: Path) -> None:
    """Make the folder for a command's results, as `writable_folder` does.

    Raises:
        InputError: it can't be made or written to, or holds the results of another command.
    """
    for other, names in RESULTS.items():
        found = next((name for name in names if (path / name).exists()), None)
        if other != command and found is not None:
            raise InputError(
                f"{path} holds {found} of `invdiff {other}`; choose another folder for the results of `{command}`."
            )
    writable_folder(path)


def writable_folder(path: Path) -> None:
    """Make the folder where it is missing, and see that it can be written to, before anything takes long.

    What a killed run left half written in it is removed.

    Raises:
        InputError: it can't.
    """
    from invdiff.files.atomic import remove_abandoned
    from invdiff.files.folder import make_folder

    make_folder(path)
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(f"The folder {path} can't be written to: {error.strerror}.") from error
    remove_abandoned(path)
