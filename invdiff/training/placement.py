"""Where and how a network computes: device, memory layout, precision."""

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from invdiff.training.config import RunConfig
from invdiff.training.tasks.task import Batch

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Placement:
    """What a configuration says, on a device."""

    config: RunConfig
    device: torch.device

    @property
    def _layout(self) -> torch.memory_format:
        return torch.channels_last if self.config.channels_last else torch.contiguous_format

    def network(self, network: Network) -> Network:
        """The network, moved there."""
        moved: Network = network.to(device=self.device, memory_format=self._layout)  # type: ignore[call-overload] # torch lists no such call
        return moved

    def batch(self, batch: Batch) -> Batch:
        """A copy there; images in the layout of the network."""
        return {name: self._tensor(tensor) for name, tensor in batch.items()}

    def _tensor(self, tensor: Tensor) -> Tensor:
        moved = tensor.to(self.device, non_blocking=True)
        return moved.contiguous(memory_format=self._layout) if moved.ndim == 4 else moved

    def autocast(self) -> torch.autocast:
        """A context in which products have the configured precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16")
