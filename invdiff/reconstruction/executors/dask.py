"""Work on a cluster that Dask schedules."""

import pickle
import threading
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from invdiff.errors import InputError
from invdiff.reconstruction.executors.executor import Progress, R, T, Work
from invdiff.reconstruction.executors.parcel import answered, opened, packed, unpacked
from invdiff.reconstruction.executors.worker import become_worker

if TYPE_CHECKING:
    from distributed import Client, Future

_SECONDS = 5.0  # a scheduler that is there answers at once
_RETRIES = 3

_one_at_a_time = threading.Lock()  # the threads of a worker share its memory, its device and what torch threads it has


class Dask:
    """The workers of a cluster, by ``dask.distributed`` (Rocklin, SciPy 2015, https://distributed.dask.org).

    An item whose worker dies is computed by another one. Each worker process computes one item at a time, and the
    versions of invdiff must be the same everywhere.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises:
        InputError: no scheduler answers there, or ``distributed`` is not installed.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        with self._client() as client:
            self._workers = max(1, len(client.nthreads()))

    @property
    def workers(self) -> int:
        """Workers of the cluster, when it was met; at least one."""
        return self._workers

    def map(
        self, work: Work[T, R], items: Iterable[T], progress: Progress[T] | None = None
    ) -> Generator[tuple[T, R], None, None]:
        """Items with their results, as they finish, as `Executor.map` says.

        Raises:
            InputError: ``work`` raises it or can't be pickled, the scheduler is lost, or an item loses worker after
                worker.
        """
        parcel, left = packed(work), iter(items)
        with self._client() as client:
            from distributed import KilledWorker, as_completed

            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph")  # it is sent once
                sent = client.submit(_kept, parcel, pure=False)  # scattered, it would be lost with its last holder
            pending: dict[Future[bytes], T] = {}
            finished = as_completed(loop=client.loop)
            try:
                while True:
                    addresses = sorted(client.nthreads()) or [""]  # a cluster may yet have to find its workers
                    for item in islice(left, max(0, 2 * len(addresses) - len(pending))):
                        plain = pickle.dumps(item)  # or Dask would look for tasks in it
                        future = client.submit(_compute, sent, plain, addresses, pure=False, retries=_RETRIES)
                        pending[future] = item
                        finished.add(future)
                    if not pending:
                        return
                    future = next(finished)
                    try:
                        answer = future.result()
                    except KilledWorker as error:
                        raise InputError(
                            f"The cluster at {self._address} lost worker after worker with the same work, most likely "
                            "for want of memory. What was finished is kept; give its workers more."
                        ) from error
                    except CancelledError as error:
                        raise InputError(
                            f"The cluster at {self._address} lost its work. What was finished is kept; start the "
                            "cluster anew and go on."
                        ) from error
                    item = pending.pop(future)
                    result = opened(answer)
                    if progress is not None:
                        progress(item, 1.0)
                    yield item, result
            finally:
                client.cancel([*pending])

    @contextmanager
    def _client(self) -> Iterator["Client"]:
        try:
            from distributed import Client
        except ImportError as error:
            raise InputError(
                "Work on a cluster needs dask.distributed; install it: pip install 'invdiff[cluster]'."
            ) from error
        try:
            client = Client(self._address, timeout=_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"No Dask scheduler answers at {self._address!r} within {_SECONDS:g} s; start one by `dask scheduler`, "
                "and give the address that it prints."
            ) from error
        with client:
            yield client


def _kept(parcel: bytes) -> bytes:
    """On a worker: the work for all."""
    return parcel


def _compute(parcel: bytes, item: bytes, addresses: Sequence[str]) -> bytes:
    """On a worker: the answer to an item."""
    from distributed import get_worker

    own = get_worker().address
    with _one_at_a_time:
        become_worker(sum(address < own for address in addresses))
        return answered(_latest(parcel), pickle.loads(item))


_latest: Any = lru_cache(maxsize=1)(unpacked)  # work stays unpickled from item to item
