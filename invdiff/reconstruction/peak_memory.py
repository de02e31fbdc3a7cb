"""The most memory that a process has taken so far."""

import sys
from pathlib import Path

import torch

_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def peak_memory(device: torch.device) -> int:
    """The most bytes that this process has held so far: on a GPU in tensors, elsewhere resident in memory.

    Args:
        device: where it computes.

    Returns:
        Zero on systems that do not tell.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "linux":  # what getrusage tells there includes the process that began this one
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(status["VmHWM"].split()[0]) * 2**10
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 2**10


def size(count: int) -> str:
    """A number of bytes in words that ``--memory-limit`` takes: two or three digits, and no byte too few."""
    unit, name = next(((unit, name) for unit, name in _UNITS if count >= unit), (1, ""))
    tenths = -(-10 * count // unit)
    return f"{-(-tenths // 10)}{name}" if tenths > 1000 else f"{tenths / 10:g}{name}"
