"""What a network is taught; the loop around it is the same for all."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from invdiff.priors import ConditionalPrior, ScorePrior

Batch = dict[str, Tensor]
Example = tuple[NDArray[np.float32], str]
"""An image (H, W) as it is looked at, and a word about it."""
LOSS = "loss"
"""The score that chooses the best network: the loss on images that are not trained on, always the same ones."""


class Task(ABC):
    """Random batches, a loss on them, and what is looked at while the loss falls."""

    @abstractmethod
    def batch(self, side: int, images: int, rng: np.random.Generator) -> Batch:
        """All that a step needs, on the CPU. Everything random follows from ``rng``."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The mean loss of a batch, which is on the network's device by now."""

    @abstractmethod
    def validate(self, network: nn.Module) -> Mapping[str, float]:
        """Scores by name, ``LOSS`` among them, of a network in evaluation mode that nothing else uses."""

    @abstractmethod
    def prior(self, network: nn.Module, about: Mapping[str, str] | None = None) -> ScorePrior | ConditionalPrior:
        """The network as a prior, with notes."""

    @abstractmethod
    def example(self, side: int, rng: np.random.Generator) -> Example:
        """What training would see: one of a batch's images, to look at."""

    def draw(self, network: nn.Module, folder: Path, step: int) -> None:  # noqa: B027 - not every task has pictures
        """Write pictures of what the network does so far."""
