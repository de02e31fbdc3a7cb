"""The file of a reconstruction that a user names."""

import os
from pathlib import Path

from invdiff.errors import InputError


def existing_result(path: str | os.PathLike[str]) -> Path:
    """The path of a written reconstruction.

    Raises:
        InputError: there is no such file.
    """
    path = Path(path)
    if not os.path.isfile(path):  # which answers for a name that is longer than any file's, too
        kind = "is a folder" if os.path.isdir(path) else "does not exist"
        raise InputError(f"{path} {kind}; give the path of a reconstruction.h5 of invdiff.")
    return path
