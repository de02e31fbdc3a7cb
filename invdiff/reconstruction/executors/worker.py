"""Which of the workers this process is, and the device that falls to it."""

_index = 0


def worker_index() -> int:
    """The number of this process among the workers of an executor, from 0; 0 in a process that is none."""
    return _index


def become_worker(index: int) -> None:
    """Give this process its number."""
    global _index
    _index = index


def own_device(device: str) -> str:
    """The device of this process, of those that it shares with the other workers; see `pinned`."""
    import torch

    return pinned(device, worker_index(), torch.cuda.device_count())


def pinned(device: str, index: int, count: int) -> str:
    """The device of one worker, so that workers share the GPUs evenly.

    Args:
        device: as torch names it.
        index: of the worker, as `worker_index` tells.
        count: how many GPUs the worker sees.

    Returns:
        ``cuda:I`` for ``cuda`` where there are several GPUs; any other device as it is.
    """
    return f"cuda:{index % count}" if device == "cuda" and count > 1 else device
