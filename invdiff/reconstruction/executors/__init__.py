"""Where work is computed: in this process, in others of this machine, or on a cluster."""

from invdiff.reconstruction.executors.dask import Dask
from invdiff.reconstruction.executors.executor import Executor, Progress, Report, Work
from invdiff.reconstruction.executors.here import Here
from invdiff.reconstruction.executors.processes import Processes
from invdiff.reconstruction.executors.worker import own_device, pinned, worker_index

__all__ = [
    "Dask",
    "Executor",
    "Here",
    "Processes",
    "Progress",
    "Report",
    "Work",
    "own_device",
    "pinned",
    "worker_index",
]
