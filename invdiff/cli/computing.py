"""Where a command computes: its device, threads, processes and memory."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.priors import Prior
    from invdiff.reconstruction import Executor, Shard

_UNITS = {"": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40, "KB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass(frozen=True)
class Computing:
    """Where to compute.

    Args:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``auto``, ``bf16`` or ``f32``.
        threads: of this process, divided among its workers; None: as torch chooses.
        workers: processes on this machine.
        scheduler: address of a Dask scheduler, instead.
        memory_limit: such as ``4GiB``; None: none.

    Raises:
        InputError: the device is not there, or a number makes no sense.
    """

    device: str = "cpu"
    precision: str = "auto"
    threads: int | None = None
    workers: int = 1
    scheduler: str | None = None
    memory_limit: str | None = None

    def __post_init__(self) -> None:
        import torch

        from invdiff.priors.device import check_device

        if self.scheduler is not None and self.workers != 1:
            raise InputError("--workers are processes of this machine and --scheduler is a cluster; give one of them.")
        _ = self.limit
        check_device(self.device, here=self.scheduler is None)
        if self.threads is not None:
            torch.set_num_threads(self.threads)

    @property
    def limit(self) -> int | None:
        """The memory limit of one process in bytes.

        Raises:
            InputError: it is no size.
        """
        if self.memory_limit is None:
            return None
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", self.memory_limit.strip())
        if found is None or found[2].upper() not in _UNITS or float(found[1]) == 0 or len(found[1]) > 20:
            raise InputError(f"--memory-limit is a size such as 4GiB or 500MB, not {self.memory_limit!r}.")
        return int(float(found[1]) * _UNITS[found[2].upper()] / self.workers)

    @property
    def description(self) -> str:
        """Where it computes, in words."""
        import torch

        if self.scheduler is not None:
            return f"computing on the workers of {self.scheduler}"
        threads = torch.get_num_threads()
        each = max(1, threads // self.workers)
        if self.workers > 1:
            return f"computing on {self.device} in {self.workers} processes of {each} thread{'s' * (each > 1)} each"
        return f"computing on {self.device} with {threads} thread{'s' * (threads > 1)}"

    @property
    def workers_device(self) -> str | None:
        """Where workers compute; ``None`` where there are none but this process."""
        return self.device if self.workers > 1 or self.scheduler is not None else None

    def place(self, prior: "Prior") -> "Prior":
        """The prior where this process computes, in its precision; a network call on a GPU takes half of the memory
        limit at most. That of a cluster's workers, whose device this process need not have, is single where none is
        asked for.

        Raises:
            InputError: as `Prior.in_precision`.
        """
        from invdiff.priors import ScorePrior

        if self.scheduler is None or self.device == "cpu":
            placed = prior.to(self.device).in_precision(self.precision)
        else:
            placed = prior.in_precision("f32" if self.precision == "auto" else self.precision)
        if isinstance(placed, ScorePrior) and self.limit is not None and self.device != "cpu":
            placed.memory_budget = max(self.limit // 2, 1)
        return placed

    @contextmanager
    def executor(self) -> Iterator["Executor"]:
        """What computes, for as long as the block lasts.

        Raises:
            InputError: the scheduler does not answer.
        """
        from invdiff.reconstruction import Dask, Here, Processes

        if self.scheduler is not None:
            yield Dask(self.scheduler)
        elif self.workers > 1:
            with Processes(self.workers) as processes:
                yield processes
        else:
            yield Here()


def read_shard(text: str | None) -> "Shard":
    """The part of a study that ``I/N`` names; all of it where there is none.

    Raises:
        InputError: it is no such part.
    """
    from invdiff.reconstruction import Shard

    if text is None:
        return Shard()
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip())
    if found is None:
        raise InputError(f"--shard is I/N, such as 3/16, not {text!r}.")
    return Shard(int(found[1]), int(found[2]))


def read_slices(text: str | None, count: int, name: str) -> list[int]:
    """Numbers of slices that ``FIRST:END`` names, as Python counts them, or ``N``; all where there is none.

    Raises:
        InputError: it is no range, or names no slice that there is.
    """
    if text is None:
        return list(range(count))
    found = re.fullmatch(r"(-?\d{1,9})?(:)?(-?\d{1,9})?", text.strip())
    if found is None or not text.strip().strip(":"):
        raise InputError(f"--slices is FIRST:END or one number, such as 10:40, not {text!r}.")
    first, colon, end = found.groups()
    chosen = range(count)[slice(int(first) if first else None, int(end) if end else None)] if colon else [int(first)]
    numbers = [number + count if number < 0 else number for number in chosen]
    if not numbers or not all(0 <= number < count for number in numbers):
        raise InputError(f"{name} has slices 0 to {count - 1}; --slices {text} asks for others.")
    return numbers
