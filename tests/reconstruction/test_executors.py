import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch
from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.reconstruction.executors import Dask, Executor, Here, Processes, pinned, worker_index
from invdiff.reconstruction.executors.parcel import answered, opened

Report = Callable[[float], None]
TWO = 2
"""Workers of those that have several."""


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two processes."""
    from distributed import LocalCluster  # here, as every process of these tests imports this file

    settings = {"dashboard_address": ":0", "scheduler_kwargs": {"allowed_failures": 1}}
    with LocalCluster(n_workers=TWO, threads_per_worker=2, processes=True, **settings) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def dask(scheduler: str) -> Dask:
    return Dask(scheduler)


@pytest.fixture(params=["here", "processes", "dask"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "dask":
        return request.getfixturevalue("dask")
    return Here() if request.param == "here" else Processes(TWO)


@dataclass(frozen=True)
class Network:
    """Work that carries tensors."""

    network: nn.Module

    def __call__(self, item: int, report: Report) -> Tensor:
        report(0.5)
        return self.network(torch.full((3,), float(item)))


def told(item: int, report: Report) -> tuple[int, int, int]:
    time.sleep(0.01)  # so that every worker comes to its turn
    return os.getpid(), worker_index(), torch.get_num_threads()


def warns(item: int, report: Report) -> int:
    warnings.warn("It is the same in all.", UserWarning, stacklevel=1)
    return item


class Unpicklable(Exception):
    def __init__(self, *_: object) -> None:
        super().__init__("It holds a lock.")
        self.lock = threading.Lock()


def fails(item: int, report: Report) -> int:
    if item == 1:
        raise InputError("The run diverged.")
    return item


def killed(once: Path | None, item: int, report: Report) -> int:
    """Item 3 kills its process: always, or only where the file is not there yet."""
    if item == 3 and not (once and once.exists()):
        if once:
            once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def ends(item: int, report: Report) -> int:
    os._exit(3)


def slow(folder: Path, item: int, report: Report) -> int:
    (folder / str(os.getpid())).touch()
    time.sleep(600)
    return item


def square(item: int, report: Report) -> int:
    return item * item


def test_all_give_the_same_results_and_progress(executor: Executor) -> None:
    torch.manual_seed(0)
    work = Network(nn.Linear(3, 2))
    shares: list[tuple[int, float]] = []
    found = dict(executor.map(work, range(7), lambda item, share: shares.append((item, share))))
    assert sorted(found) == [*range(7)]
    assert all(torch.equal(found[i], work(i, lambda share: None)) for i in range(7))
    assert sorted(item for item, share in shares if share == 1.0) == [*range(7)]
    assert ((3, 0.5) in shares) == isinstance(executor, Here)


def test_nothing_to_do(executor: Executor) -> None:
    assert [*executor.map(square, [])] == []


def test_items_are_taken_as_they_are_needed(executor: Executor) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(30):
            taken += 1
            yield item

    received = 0
    for item, result in executor.map(square, items()):
        assert result == item * item
        assert taken - received <= 2 * executor.workers
        received += 1
    assert received == 30


def test_refusals_reach_the_caller(executor: Executor) -> None:
    with pytest.raises(InputError, match=r"^The run diverged\.$"):
        [*executor.map(fails, [1])]


def test_answers_carry_any_error() -> None:
    def fails_oddly(item: type[Exception], report: Report) -> None:
        raise item(1, 2)

    with pytest.raises(KeyError) as caught:
        opened(answered(fails_oddly, KeyError))
    assert "in fails_oddly" in caught.value.__notes__[0]  # where in the work, which the traceback can't tell
    with pytest.raises(RuntimeError, match="It holds a lock"):
        opened(answered(fails_oddly, Unpicklable))


def test_warnings_of_all_workers_are_shown_once(executor: Executor) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        [*executor.map(warns, range(6))]
    assert [str(each.message) for each in caught] == ["It is the same in all."]


def test_an_answer_warns_where_it_is_opened() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = answered(warns, 1)
        with pytest.raises(UserWarning, match="same in all"):
            opened(answer)


def test_each_worker_knows_its_number(dask: Dask) -> None:
    for executor, own in ((Here(), True), (Processes(TWO, threads=3), False), (dask, False)):
        found = [result for _, result in executor.map(told, range(40))]
        numbers = {number for _, number, _ in found}
        assert numbers == ({0} if own else {0, 1})
        assert len({(pid, number) for pid, number, _ in found}) == len(numbers)  # a process keeps its number
        assert ({pid for pid, _, _ in found} == {os.getpid()}) == own
        if isinstance(executor, Processes):
            assert {threads for _, _, threads in found} == {3}


def test_work_that_can_t_be_sent(dask: Dask) -> None:
    for executor in (Processes(TWO), dask):
        with pytest.raises(InputError, match=r"can't be pickled .*top level"):
            [*executor.map(lambda item, report: item, range(3))]


def test_a_killed_process_is_one_sentence() -> None:
    """What was yielded before stays."""
    found = []
    results = Processes(TWO).map(partial(killed, None), range(9))
    with pytest.raises(InputError, match="killed by signal 9, most likely for want of memory"):
        found.extend(item for item, _ in results)
    assert len(found) >= 2
    assert 3 not in found


def test_a_process_that_ends_by_itself_says_so() -> None:
    with pytest.raises(InputError, match=r"exit status 3.*__main__"):
        [*Processes(1).map(ends, [0])]


def test_another_worker_takes_the_item_of_one_that_died(dask: Dask, tmp_path: Path) -> None:
    found = dict(dask.map(partial(killed, tmp_path / "killed"), range(9)))
    assert (tmp_path / "killed").exists()
    assert found == {i: i for i in range(9)}


def test_an_item_that_kills_every_worker_ends_the_map(dask: Dask) -> None:
    with pytest.raises(InputError, match="lost worker after worker"):
        [*dask.map(partial(killed, None), [3])]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1:one"])
def test_no_scheduler(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invdiff.reconstruction.executors.dask._SECONDS", 0.3)
    with pytest.raises(InputError, match="No Dask scheduler answers"):
        Dask(address)


def test_distributed_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'invdiff\[cluster\]'"):
        Dask("tcp://127.0.0.1:1")


@pytest.mark.parametrize("numbers", [{"workers": 0}, {"workers": 2, "threads": 0}])
def test_numbers_of_processes(numbers: dict[str, int]) -> None:
    with pytest.raises(InputError, match="at least one process with one thread"):
        Processes(**numbers)


def test_devices() -> None:
    assert [pinned("cuda", i, 2) for i in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    assert [pinned("cuda", 3, 1), pinned("cuda:1", 0, 4), pinned("cpu", 3, 4)] == ["cuda", "cuda:1", "cpu"]


def test_closing_ends_the_processes() -> None:
    before = {*multiprocessing.active_children()}
    results = Processes(TWO).map(square, range(100))
    next(results)
    assert len({*multiprocessing.active_children()} - before) == TWO
    results.close()
    assert {*multiprocessing.active_children()} <= before


@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_no_process_outlives_an_interrupt_or_a_kill(tmp_path: Path, how: str) -> None:
    script = f"""
from functools import partial
from pathlib import Path
from invdiff.reconstruction.executors import Processes
from tests.reconstruction.test_executors import slow
[*Processes({TWO}).map(partial(slow, Path({str(tmp_path)!r})), range(4))]
"""
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_until(lambda: len([*tmp_path.iterdir()]) == TWO or parent.poll() is not None)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert len(workers) == TWO
    if how == "interrupt":
        os.killpg(parent.pid, signal.SIGINT)
    else:
        parent.kill()
    _, errors = parent.communicate(timeout=60)
    wait_until(lambda: not any(map(psutil.pid_exists, workers)))
    assert errors.count("KeyboardInterrupt") == (1 if how == "interrupt" else 0)  # the workers do not complain
    assert "leaked" not in errors


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("it did not happen within a minute")


def test_maps_of_a_block_share_their_processes() -> None:
    with Processes(TWO) as processes:
        first = {pid for _, (pid, *_) in processes.map(told, range(1))}
        second = {pid for _, (pid, *_) in processes.map(told, range(8))}
        assert len(first) == 1
        assert first < second
        assert len(second) == TWO
        with pytest.raises(InputError, match="diverged"):
            [*processes.map(fails, range(4))]
        assert not any(map(psutil.pid_exists, second))
        third = {pid for _, (pid, *_) in processes.map(told, range(8))}
        assert not second & third
    assert not any(map(psutil.pid_exists, third))
