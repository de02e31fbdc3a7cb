"""How much memory a network's activations take."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Result = TypeVar("Result")


def peak_bytes(run: Callable[[], Result]) -> tuple[Result, int]:
    """What ``run()`` returns, and the most bytes that tensors made in it took at any one time, on any device.

    Scratch space of the libraries underneath is not counted.
    """
    meter = _Meter()
    with meter:
        result = run()
    return result, meter.peak


class _Meter(TorchDispatchMode):
    """Follows the storages of tensors that operations return, until they are freed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch gives it no types
        self.live = self.peak = 0
        self._known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {id(leaf.untyped_storage()) for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)}
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self._follow(leaf.untyped_storage(), given)
        return result

    def _follow(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        if id(storage) in given or storage in self._known:
            return
        self._known.add(storage)
        self.live += storage.nbytes()
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._freed, storage.nbytes())

    def _freed(self, size: int) -> None:
        self.live -= size
