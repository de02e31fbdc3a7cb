"""Batches by the number of their step, so that a stopped run goes on with the batches that were to come."""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import DataLoader, Dataset

from invdiff.training.config import BatchSize
from invdiff.training.tasks.task import Batch, Task


class Batches(Dataset[Batch]):
    """The batch of each step: a function of seed, step and process alone.

    All processes draw the same size at a step, and different images.

    Args:
        task: what draws a batch.
        sizes: from which a step's is chosen.
        seed: of all batches.
        process: the number of this one.
    """

    def __init__(self, task: Task, sizes: Sequence[BatchSize], seed: int, process: int = 0) -> None:
        self._task, self._sizes, self._seed, self._process = task, sizes, seed, process

    def __getitem__(self, step: int) -> Batch:
        size = self._sizes[int(np.random.default_rng((self._seed, step, 0)).integers(len(self._sizes)))]
        return self._task.batch(size.side, size.images, np.random.default_rng((self._seed, step, 1 + self._process)))

    def loader(self, steps: range, workers: int, *, pinned: bool = False) -> DataLoader[Batch]:
        """The batches of ``steps``, in order, prepared ahead by so many processes."""
        return DataLoader(
            self,
            sampler=steps,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            pin_memory=pinned,
        )
