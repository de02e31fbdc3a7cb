"""Files that belong together appear together, and take the place of no others."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.files.atomic import hidden_neighbour
from invdiff.files.publish import publish

Contents = dict[str, str]
Trees = st.dictionaries(st.sampled_from(["a", "b", "c/d", "c/e"]), st.text("xy", max_size=2), max_size=4)


def writes(files: Contents) -> Callable[[Path], None]:
    """Write these below the folder that is given."""

    def write(path: Path) -> None:
        path.mkdir()
        for name, text in files.items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_text(text)

    return write


def below(folder: Path) -> Contents:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@given(Trees, Trees, st.booleans())
def test_what_was_there_is_lost_by_force_alone_and_what_is_not_written_never(
    tmp_path_factory: pytest.TempPathFactory, before: Contents, files: Contents, replace: bool
) -> None:
    folder = tmp_path_factory.mktemp("publish")
    writes(before)(folder / "out")
    others, changed = before.keys() - files, {name for name in before.keys() & files if before[name] != files[name]}
    if others or (changed and not replace):
        with pytest.raises(InputError, match="has other files" if others else "holds something else"):
            publish(folder / "out", writes(files), replace=replace)
        assert below(folder / "out") == before
    else:
        assert publish(folder / "out", writes(files), replace=replace) == tuple(
            sorted(folder / "out" / name for name in files)
        )
        assert below(folder / "out") == files
    assert [one.name for one in folder.iterdir()] == ["out"]


def beside(path: Path) -> None:
    path.with_name("a_one.txt").write_text("1")
    path.with_name("a_two.txt").write_text("2")


def test_files_of_other_names_stand_beside_what_is_named(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("stays")
    assert publish(tmp_path / "a.txt", beside) == (tmp_path / "a_one.txt", tmp_path / "a_two.txt")
    assert publish(tmp_path / "a.txt", beside) == (tmp_path / "a_one.txt", tmp_path / "a_two.txt")
    (tmp_path / "a_two.txt").write_text("3")
    (tmp_path / "a_one.txt").unlink()
    with pytest.raises(InputError, match=r"a_two\.txt is there, and holds something else"):
        publish(tmp_path / "a.txt", beside)
    assert below(tmp_path) == {"other": "stays", "a_two.txt": "3"}
    publish(tmp_path / "a.txt", beside, replace=True)
    assert below(tmp_path) == {"other": "stays", "a_one.txt": "1", "a_two.txt": "2"}


def test_nothing_appears_of_what_fails(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        beside(path)
        raise KeyError("half")

    with pytest.raises(KeyError):
        publish(tmp_path / "a.txt", fails)
    assert below(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_no_room_is_one_sentence(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        raise OSError(errno.ENOSPC, "a paragraph\nof a library")

    with pytest.raises(InputError, match="no space left for it"):
        publish(tmp_path / "a.txt", fails)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_are_those_of_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        (written,) = publish(tmp_path / "out", writes({"c/d": ""}))
    finally:
        os.umask(before)
    assert written.stat().st_mode & 0o777 == 0o666 & ~umask
    assert written.parent.stat().st_mode & 0o777 == 0o777 & ~umask


def test_the_folder_around_is_made(tmp_path: Path) -> None:
    publish(tmp_path / "a" / "b" / "c.txt", lambda place: place.write_text("whole"))
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "whole"


def test_places_that_can_not_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, words in ((".", "no name of a file"), ("..", "no name of a file"), ("file/a", "can't be made")):
        with pytest.raises(InputError, match=words):
            publish(tmp_path / name if name != "." else ".", writes({}))
    (tmp_path / "a_one.txt").mkdir()
    for replace in (False, True):
        with pytest.raises(InputError, match="is a folder; give another name"):
            publish(tmp_path / "a.txt", beside, replace=replace)
    with pytest.raises(InputError, match="is a file"):
        publish(tmp_path / "file", writes({"a": ""}), replace=True)


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    left = hidden_neighbour(tmp_path / "a.txt")
    left = left.with_name(left.name.replace(f"-{os.getpid()}-", "-999999999-"))
    writes({"a": "half"})(left)
    publish(tmp_path / "a.txt", beside)
    assert not left.exists()
