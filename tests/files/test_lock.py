import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from invdiff.errors import InputError
from invdiff.files.lock import folder_lock

Child = Callable[..., subprocess.Popen[str]]
HOLDS = """
from invdiff.files.lock import folder_lock
with folder_lock("task.lock"):
    print("held", flush=True)
    input()
"""


@pytest.mark.parametrize("end", ["end", "kill"])
def test_one_process_at_a_time(tmp_path: Path, child: Child, end: str) -> None:
    other = child(HOLDS)
    assert other.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="wait for it, or choose another folder"), folder_lock(tmp_path / "task.lock"):
        pass
    if end == "kill":
        other.kill()
    other.communicate("\n")
    with folder_lock(tmp_path / "task.lock"):
        pass


def test_tasks_apart(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "a.lock"), folder_lock(tmp_path / "b.lock"):
        pass


def test_waiting_for_another(tmp_path: Path, child: Child) -> None:
    with folder_lock(tmp_path / "task.lock"):
        other = child(HOLDS.replace('"task.lock"', '"task.lock", wait=True'))
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(1)
    assert other.communicate("\n")[0] == "held\n"


def test_it_is_let_go_of_on_errors(tmp_path: Path) -> None:
    with pytest.raises(KeyError), folder_lock(tmp_path / "task.lock"):
        raise KeyError
    with folder_lock(tmp_path / "task.lock"):
        pass


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be locked"), folder_lock(tmp_path / "file" / "task.lock"):
        pass


def test_a_folder_that_its_holder_removed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that wait for each other's end, one removes the folder while the other opens its lock."""
    acquire, tried = FileLock.acquire, []

    def removed_at_first(self: FileLock, **options: float) -> object:
        tried.append(options)
        if len(tried) == 1:
            raise FileNotFoundError
        return acquire(self, **options)

    monkeypatch.setattr(FileLock, "acquire", removed_at_first)
    path = tmp_path / "units" / "gather.lock"
    with folder_lock(path, wait=True):
        assert path.exists()
    assert len(tried) == 2
