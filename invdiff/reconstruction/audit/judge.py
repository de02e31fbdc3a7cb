"""What held-back samples say of finished reconstructions."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from invdiff.reconstruction.audit.audit import Audit
from invdiff.reconstruction.audit.correction import Correction
from invdiff.reconstruction.audit.discrepancy import Discrepancy
from invdiff.reconstruction.audit.held_cases import HeldCases
from invdiff.reconstruction.audit.residual import Residual
from invdiff.reconstruction.stage import Stage
from invdiff.reconstruction.store import Store, samples_of


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
        discrepancies: list[Discrepancy] = []
        residuals: list[Residual] = []
        for number in self.held.full:
            if not all(stage.is_there(store, number) for stage in self.stages):
                continue
            parts = self.held.parts(number)
            samples = _images(store, self.posterior, number)
            image = samples.mean(0) if self.image is None else _images(store, self.image, number)[0]
            discrepancies.append(Discrepancy.of(parts.hidden, samples, None if self.image is None else image))
            residuals.append(Residual.of(parts.shown, image))
        if not discrepancies:
            return None
        total = sum(discrepancies[1:], discrepancies[0])
        known = self.held.cases.preparation
        uncertainty = 0.0 if known is None else known.data_noise_uncertainty
        return Audit(Correction.of(total, uncertainty), Residual.mean(residuals))


def of_held(stage: Stage, held: HeldCases) -> Stage:
    """The same, of what is shown of a file's slices."""
    return replace(stage, drawing=replace(stage.drawing, problems=held))


def _images(store: Store, stage: Stage, number: int) -> Tensor:
    return torch.from_numpy(samples_of(store, number, stage.drawing.key(number), range(stage.samples))[0])
