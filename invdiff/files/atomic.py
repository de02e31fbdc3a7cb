"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invdiff.errors import InputError


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary neighbour to write to, which takes the place of ``path`` when the block ends well and vanishes
    otherwise.

    Raises:
        InputError: the folder does not exist or may not be written to.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror} ({path.parent}).") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes files for the owner alone
        temporary.replace(path)
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder; give the path of a file.") from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_abandoned(folder: object) -> None:
    """Stub."""
