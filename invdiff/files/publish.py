"""Files that belong together, which appear once all of them are whole, and take the place of no others."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from invdiff.errors import InputError
from invdiff.files.atomic import NO_ROOM, hidden_neighbour, remove_abandoned, to_disk, unwritten
from invdiff.files.folder import make_folder


def publish(
    path: str | os.PathLike[str], write: Callable[[Path], object], *, replace: bool = False
) -> tuple[Path, ...]:
    """Have something written, and put it in its place when it is whole.

    What is there already and the same, byte for byte, stays; so a command that is given again changes nothing.

    Args:
        path: of a file or a folder; the folder around it is made where it is missing.
        write: is given a path of that name in a folder of its own, and makes the file or folder there, or files of
            other names beside it.
        replace: files that hold something else. Files that ``write`` makes none in the place of always stay.

    Returns:
        Where the files are, in the order of their names.

    Raises:
        InputError: the folder around ``path`` can't be made or may not be written to, there is no room, a file is
            there that holds something else, or a folder that has other files.
    """
    path = Path(path)
    if path.name in ("", ".."):
        raise InputError(f"{path} is no name of a file or folder to be made; give one.")
    remove_abandoned(path.parent)
    hidden = hidden_neighbour(path)
    make_folder(path.parent)
    try:
        hidden.mkdir()
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror} ({path.parent}).") from error
    try:
        _write(write, hidden / path.name, path)
        made = {file: path.parent / file.relative_to(hidden) for file in _files(hidden)}
        if (hidden / path.name).is_dir():
            if path.is_file():
                raise InputError(f"{path} is a file; give the name of a folder.")
            _check_others(path, set(made.values()))
        for file, place in made.items():
            if not replace or place.is_dir():
                _check_same(file, place)
        for file, place in made.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            to_disk(file)
            file.replace(place)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise unwritten(path, error) from error
        raise
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return tuple(sorted(made.values()))


def _write(write: Callable[[Path], object], hidden: Path, path: Path) -> None:
    """Have it written; what is refused is told of the path, which a user knows."""
    try:
        write(hidden)
    except InputError as error:
        raise InputError(str(error).replace(str(hidden), str(path))) from error


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder."""
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names)


def _check_others(folder: Path, own: set[Path]) -> None:
    other = next((file for file in _files(folder) if file not in own and not file.name.startswith(".")), None)
    if other is not None:
        raise InputError(
            f"The folder {folder} has other files, such as {other.relative_to(folder)}; choose another, or empty it."
        )


def _check_same(file: Path, place: Path) -> None:
    if place.is_dir():
        raise InputError(f"{place} is a folder; give another name.")
    if place.exists() and place.read_bytes() != file.read_bytes():
        raise InputError(f"{place} is there, and holds something else; choose another name, or replace it (--force).")
