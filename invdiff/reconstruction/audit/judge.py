"""What held-back samples say of finished reconstructions."""

from dataclasses import dataclass

import torch
from torch import Tensor

from invdiff.reconstruction.audit.audit import Audit
from invdiff.reconstruction.audit.held_cases import HeldCases
from invdiff.reconstruction.stage import Stage
from invdiff.reconstruction.store import Store


@dataclass(frozen=True, eq=False)
class Judge:
    """Judges the samples of a file, and the image that they are about, by slices of which samples were held back.

    Attributes:
        held: the slices.
        posterior: draws samples of what is shown of them.
        image: makes an image of it; None: the mean of the samples.
    """

    held: HeldCases
    posterior: Stage
    image: Stage | None

    @property
    def stages(self) -> list[Stage]:
        """What is to be drawn."""
        return [stage for stage in (self.image, self.posterior) if stage is not None]

    def __call__(self, store: Store) -> Audit | None:
        """The audit by the slices of which a store has all; None where it has all of none."""
        known = self.held.cases.preparation
        there = [number for number in self.held.full if all(stage.is_there(store, number) for stage in self.stages)]
        if not there:
            return None
        found = (
            (
                self.held.parts(number),
                _images(store, self.posterior, number),
                None if self.image is None else _images(store, self.image, number)[0],
            )
            for number in there
        )
        return Audit.of(found, 0.0 if known is None else known.data_noise_uncertainty)


def _images(store: Store, stage: Stage, number: int) -> Tensor:
    return torch.from_numpy(stage.found(store, number).images)
