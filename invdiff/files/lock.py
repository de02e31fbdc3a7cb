"""One process at a time in a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invdiff.errors import InputError


@contextmanager
def folder_lock(path: str | os.PathLike[str], *, wait: bool = False) -> Iterator[None]:
    """Hold a folder, or one task in it, for this process among those of this host, until the block ends or the
    process does.

    The lock is the kernel's, on a file that stays: no killed process leaves it held.

    Args:
        path: of the file, whose folder is made where another process has removed it.
        wait: until another process lets go, instead of refusing.

    Raises:
        InputError: another process holds it, or the file can't be made.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except FileNotFoundError:  # whoever held it has removed the folder meanwhile
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=-1 if wait else 0)
    except Timeout as error:
        raise InputError(
            f"Another process is at work in {path.parent}; wait for it, or choose another folder."
        ) from error
    except OSError as error:
        raise InputError(f"{path} can't be locked: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()
