"""Work in other processes of this machine."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Self

from invdiff.errors import InputError
from invdiff.reconstruction.executors.executor import Progress, R, T, Work
from invdiff.reconstruction.executors.parcel import answered, opened, packed, unpacked
from invdiff.reconstruction.executors.worker import become_worker


_WORK, _ITEM = b"W", b"I"


@dataclass(eq=False)
class Processes:
    """Fresh processes of this machine, each with its share of the threads.

    They end with the map that began them or, in ``with Processes(4) as processes:``, with the block, so that several
    maps share them; at once if a map is closed, fails or is interrupted, or if this process is killed.

    Args:
        workers: how many processes at most; there are never more than items.
        threads: torch threads of each; by default those of this process are divided among them.

    Raises:
        InputError: a number is not positive.
    """

    workers: int
    threads: int | None = None
    _idle: "list[_Worker] | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.workers < 1 or (self.threads is not None and self.threads < 1):
            raise InputError(
                f"Work needs at least one process with one thread, not workers={self.workers}, threads={self.threads}."
            )

    def __enter__(self) -> Self:
        self._idle = []
        return self

    def __exit__(self, *_: object) -> None:
        idle, self._idle = self._idle, None
        _end(idle or [])

    def map(
        self, work: Work[T, R], items: Iterable[T], progress: Progress[T] | None = None
    ) -> Generator[tuple[T, R], None, None]:
        """Items with their results, as they finish, as `Executor.map` says.

        Raises:
            InputError: ``work`` raises it or can't be pickled, or a process is killed.
        """
        parcel, left = packed(work), iter(items)
        workers: dict[Connection, _Worker] = {}
        computed: dict[Connection, T] = {}
        try:
            for index, item in zip(range(self.workers), left, strict=False):
                worker = self._idle.pop(0) if self._idle else _Worker(index, self._threads_each)
                workers[worker.connection] = worker
                computed[worker.connection] = item
            for connection, item in computed.items():
                workers[connection].send(_WORK + parcel)
                workers[connection].send(_ITEM + pickle.dumps(item))
            while computed:
                for ready in wait([*computed]):
                    assert isinstance(ready, Connection)
                    worker, done = workers[ready], computed.pop(ready)
                    result = opened(worker.receive())
                    for item in left:
                        worker.send(_ITEM + pickle.dumps(item))
                        computed[ready] = item
                        break
                    if progress is not None:
                        progress(done, 1.0)
                    yield done, result
            if self._idle is not None:
                self._idle += sorted(workers.values(), key=lambda worker: worker.index)
                workers = {}
        finally:
            _end(workers.values())

    @property
    def _threads_each(self) -> int:
        import torch

        return self.threads or max(1, torch.get_num_threads() // self.workers)


def _end(workers: "Iterable[_Worker]") -> None:
    every = list(workers)
    for worker in every:
        worker.process.terminate()
    for worker in every:
        worker.end()


class _Worker:
    """A process, and the pipe to it."""

    def __init__(self, index: int, threads: int) -> None:
        self.index = index
        context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs, index, threads), daemon=True)
        with _without_interrupts():
            self.process.start()
        theirs.close()  # so that the pipe ends with the process

    def send(self, message: bytes) -> None:
        try:
            self.connection.send_bytes(message)
        except OSError as error:
            raise self._loss() from error

    def receive(self) -> bytes:
        try:
            return self.connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise self._loss() from error

    def end(self) -> None:
        self.process.join()
        self.process.close()
        self.connection.close()

    def _loss(self) -> InputError:
        self.process.join()
        status = self.process.exitcode
        if status is not None and status < 0:
            return InputError(
                f"A worker process was killed by signal {-status}, most likely for want of memory. What was finished "
                "is kept; go on with fewer at a time."
            )
        return InputError(
            f"A worker process ended with exit status {status}, for the reason above. A script that computes in other "
            'processes must do its work under `if __name__ == "__main__":`, as each of them imports it.'
        )


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Begin processes that never hear Ctrl-C: it reaches the whole group, and the parent answers it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a process inherits it from its first moment
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, index: int, threads: int) -> None:
    """Answer items until the process is ended."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for systems whose signals have no mask
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    become_worker(index)
    work: Work[Any, Any] | None = None
    while True:
        message = connection.recv_bytes()
        if message[:1] == _WORK:
            work = None  # two at a time would take twice the memory
            work = unpacked(message[1:])
            continue
        assert work is not None
        connection.send_bytes(answered(work, pickle.loads(message[1:])))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
