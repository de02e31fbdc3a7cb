"""Files that appear whole or not at all."""

import errno
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from invdiff.errors import InputError

_PREFIX = ".invdiff-writing"
_NAME = re.compile(rf"{re.escape(_PREFIX)}-(?P<place>.+)-(?P<process>\d+)-[0-9a-f]{{8}}(\.[^.]*)?")
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Of errors by which a file system has no room for what is written."""
_DAY = 24 * 60 * 60


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary neighbour to write to, which takes the place of ``path`` when the block ends well and vanishes
    otherwise.

    It is on the disk before it takes that place. If this process is killed, `remove_abandoned` finds what it left.

    Raises:
        InputError: the folder does not exist or may not be written to, ``path`` is a folder, or there is no room.
    """
    path = Path(path)
    temporary = hidden_neighbour(path, path.suffix)
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        mode = os.fstat(handle).st_mode  # by the umask
        os.close(handle)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror} ({path.parent}).") from error
    try:
        try:
            yield temporary
        except OSError as error:
            if error.errno in NO_ROOM:
                raise unwritten(path, error) from error
            raise
        try:
            temporary.chmod(mode)  # some libraries put a file of their own in its place
            to_disk(temporary)
            temporary.replace(path)
        except IsADirectoryError as error:
            raise InputError(f"{path} is a folder; give the path of a file.") from error
        except OSError as error:
            raise unwritten(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_abandoned(folder: str | os.PathLike[str]) -> None:
    """Remove what killed processes of this host left half written in a folder, and those of others a day ago."""
    with suppress(OSError):  # a folder that is not there, and files that another process removes at the same time
        for file in Path(folder).glob(f"{_PREFIX}-*"):
            found = _NAME.fullmatch(file.name)
            if found is None:
                continue
            ours_and_dead = found["place"] == _place() and not _runs(int(found["process"]))
            with suppress(OSError):
                if ours_and_dead or time.time() - file.stat().st_mtime > _DAY:
                    shutil.rmtree(file) if file.is_dir() else file.unlink()


def hidden_neighbour(path: Path, suffix: str = "") -> Path:
    """A name beside a path that no other process takes, by which `remove_abandoned` knows what is left there."""
    return path.with_name(f"{_PREFIX}-{_place()}-{os.getpid()}-{secrets.token_hex(4)}{suffix}")


def unwritten(path: Path, error: OSError) -> InputError:
    """The sentence about a path that the file system refuses."""
    if error.errno in NO_ROOM:
        why = os.strerror(error.errno).lower()  # h5py says it in a paragraph
        return InputError(
            f"{path} can't be written: no space left for it ({why}); what was finished before stays. Make room, and go "
            "on."
        )
    return InputError(f"{path} can't be written: {error.strerror} ({path.parent}).")


def to_disk(file: Path) -> None:
    """Wait until a file's content is on the disk."""
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _place() -> str:
    """Where process numbers mean the same: the host and, in a container, its namespace."""
    host = re.sub(r"[^\w.]", "_", socket.gethostname())[:64]
    with suppress(OSError):
        host += "".join(re.findall(r"-\d+", os.readlink("/proc/self/ns/pid").replace("[", "-")))
    return host


def _runs(process: int) -> bool:
    if os.name == "nt":
        return True  # there, os.kill ends whom it asks
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
