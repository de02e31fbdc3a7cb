import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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
