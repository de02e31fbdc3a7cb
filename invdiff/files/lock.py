"""One process at a time in a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invdiff.errors import InputError


@contextmanager
def folder_lock(path: str | os.PathLike[str], *, wait: bool = False) -> Iterator[None]:
    """Hold a folder for this process, among those of this host, until the block ends or the process does.

    The lock is the kernel's, on the file ``.invdiff-lock`` in the folder: no killed process leaves it held.

    Args:
        path: of the folder, which must exist.
        wait: until another process leaves it, instead of refusing.

    Raises:
        InputError: another process holds it, or the file can't be made.
    """
    from filelock import FileLock, Timeout

    folder = Path(path)
    lock = FileLock(folder / ".invdiff-lock")
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout as error:
        raise InputError(f"Another process is at work in {folder}; wait for it, or choose another folder.") from error
    except OSError as error:
        raise InputError(f"The folder {folder} can't be locked: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()
