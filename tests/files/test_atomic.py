import errno
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.cli.folder import writable_folder
from invdiff.errors import InputError
from invdiff.files.atomic import atomic, remove_abandoned

Child = Callable[..., subprocess.Popen[str]]
FULL = """
from pathlib import Path
from invdiff.errors import InputError
from invdiff.files.atomic import atomic

try:
    with atomic("a.bin") as temporary:
        temporary.write_bytes(bytes(100_000))
except InputError as error:
    print(error)
"""
WRITES = """
from invdiff.files.atomic import atomic

with atomic("a.bin") as temporary:
    temporary.write_bytes(bytes(1000))
    print("half", flush=True)
    input()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with atomic(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".gz"  # libraries go by it
        assert temporary.name.startswith(".invdiff-writing-")
        temporary.write_text("new")
        assert not path.exists()
    assert (path.read_text(), names(tmp_path)) == ("new", ["a.tar.gz"])
    with pytest.raises(KeyError), atomic(path) as temporary:
        raise KeyError(temporary.write_text("half"))
    assert (path.read_text(), names(tmp_path)) == ("new", ["a.tar.gz"])


def test_it_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), sync(handle)))
    monkeypatch.setattr(Path, "replace", lambda *paths: (done.append("replace"), replace(*paths)))
    with atomic(tmp_path / "a"):
        pass
    assert done == ["fsync", "replace"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_the_umask(tmp_path: Path, umask: int) -> None:
    """Also where the library that writes puts a file of its own in the place of ours."""
    before = os.umask(umask)
    try:
        with atomic(tmp_path / "a"):
            pass
        with atomic(tmp_path / "b") as temporary:
            temporary.unlink()
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in "ab"} == {0o666 & ~umask}


def test_a_full_disk_is_one_sentence(tmp_path: Path, child: Child) -> None:
    (tmp_path / "a.bin").write_text("before")
    out, errors = child(FULL, 60_000).communicate()
    assert out == (
        "a.bin can't be written: no space left for it (file too large); what was finished before stays. Make room, "
        "and go on.\n"
    ), errors
    assert (tmp_path / "a.bin").read_text() == "before"
    assert names(tmp_path) == ["a.bin"]
    assert child(FULL, 200_000).communicate()[0] == ""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
@pytest.mark.parametrize("where", ["block", "fsync"])
def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, where: str) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, "a paragraph\nof a library")

    if where == "fsync":
        monkeypatch.setattr(os, "fsync", fails)
    words = rf"no space left for it \({os.strerror(number).lower()}\)"
    with pytest.raises(InputError, match=words), atomic(tmp_path / "a"):
        fails() if where == "block" else None
    assert names(tmp_path) == []


def test_other_errors_of_the_block_are_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "a"):
        (tmp_path / "missing").read_text()


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory"), atomic(tmp_path / "missing" / "a"):
        pass
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="is a folder"), atomic(tmp_path / "folder"):
        pass
    assert names(tmp_path) == ["folder"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path, child: Child) -> None:
    killed, alive = child(WRITES), child(WRITES)
    for process in (killed, alive):
        assert process.stdout.readline() == "half\n"
    killed.kill()
    killed.communicate()
    assert len(names(tmp_path)) == 2
    remove_abandoned(tmp_path)
    assert len(names(tmp_path)) == 1
    alive.communicate("\n")
    assert names(tmp_path) == ["a.bin"]


@given(
    host=st.sampled_from(["elsewhere", "else-where-4026531836", socket.gethostname() + "x"]), hours=st.integers(0, 48)
)
def test_other_hosts_have_a_day(host: str, hours: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("folder")
    left = folder / f".invdiff-writing-{host}-1-0123abcd.npz"
    left.touch()
    age = left.stat().st_mtime - 3600 * hours - 60
    os.utime(left, (age, age))
    remove_abandoned(folder)
    assert left.exists() == (hours < 24)


def test_names_of_others_are_left_alone(tmp_path: Path) -> None:
    others = [".invdiff-writing-notes.txt", ".invdiff-lock", ".a-1-0123abcd.npz", "invdiff-writing-host-1-0123abcd.npz"]
    for name in others:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    remove_abandoned(tmp_path)
    assert names(tmp_path) == sorted(others)
    remove_abandoned(tmp_path / "missing")


def test_many_make_one_folder_and_write_one_file(tmp_path: Path, child: Child) -> None:
    """Threads and processes, all at once."""
    script = """
        from pathlib import Path
        from invdiff.cli.folder import writable_folder
        from invdiff.files.atomic import atomic
        input()
        for i in range(100):
            writable_folder(Path("out/deep"))
            with atomic("out/deep/a") as temporary:
                temporary.write_text("whole")
    """
    failed: list[BaseException] = []

    def hammer() -> None:
        try:
            for _ in range(100):
                writable_folder(tmp_path / "out" / "deep")
                with atomic(tmp_path / "out" / "deep" / "a") as temporary:
                    temporary.write_text("whole")
        except BaseException as error:
            failed.append(error)

    processes = [child(script) for _ in range(2)]
    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    ended = [(process.communicate("\n")[1], process.returncode) for process in processes]
    for thread in threads:
        thread.join()
    assert failed == []
    assert ended == [("", 0)] * 2
    assert names(tmp_path / "out" / "deep") == ["a"]
    assert (tmp_path / "out" / "deep" / "a").read_text() == "whole"


def test_folders_that_can_t_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be made"):
        writable_folder(tmp_path / "file")

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError, match="can't be written to: Permission denied"):
        writable_folder(tmp_path / "folder")
