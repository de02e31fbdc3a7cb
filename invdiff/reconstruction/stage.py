"""What is drawn of every slice."""

from dataclasses import dataclass

from invdiff.reconstruction.store import Store
from invdiff.reconstruction.units import Drawing


@dataclass(frozen=True)
class Stage:
    """What is drawn of every slice.

    Attributes:
        drawing: how.
        samples: how many.
    """

    drawing: Drawing
    samples: int

    def is_there(self, store: Store, number: int) -> bool:
        """Whether a store has all samples of a slice."""
        key = self.drawing.key(number)
        return all(store.has(number, sample, key) for sample in range(self.samples))
