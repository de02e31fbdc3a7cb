"""The slices of a file by which its reconstruction is judged, each without the samples that are held back."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from invdiff.data.scan import TOGETHER, evenly_spaced
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.problem import Problem
from invdiff.reconstruction.audit.held_back import LEAST, HeldBack
from invdiff.reconstruction.cases import Cases
from invdiff.reconstruction.draw import runs
from invdiff.reconstruction.units import Arrays


@dataclass(frozen=True, eq=False)
class HeldCases:
    """At most eight of a file's slices, evenly spaced, as problems of what is shown of them.

    Attributes:
        cases: of the file.
        held: the samples that are held back, bool ``(H, W)``, or of samples along a trajectory ``(samples,)``.
        full: numbers of the slices.
    """

    cases: Cases
    held: NDArray[np.bool_] = field(repr=False)
    full: Sequence[int]

    @classmethod
    def of(cls, cases: Cases, fraction: float, seed: int) -> Self:
        """The slices with a part of their samples held back: lines where lines were sampled whole, readouts of a
        trajectory, else points.

        Args:
            cases: of the file.
            fraction: of the samples outside the calibration region.
            seed: of the draw.

        Raises:
            InputError: too few are sampled outside the calibration region, every slice is empty, or the noise level, by
                which predictions are judged, is zero.
        """
        if not cases.noise_std:
            raise InputError(f"{cases.name}: predictions are judged by the noise, of which the level is zero; give it.")
        held = cases.hold_back(fraction, seed, LEAST)
        return cls(cases, held, [cases.full[k] for k in evenly_spaced(len(cases.full))])

    @property
    def neighbouring(self) -> Self:
        """As many slices that follow each other: from the middle of the most that do."""
        run = max(runs(self.cases.full, len(self.cases.full)), key=len)
        return replace(self, full=run[max(0, (len(run) - TOGETHER) // 2) :][:TOGETHER])

    def parts(self, number: int) -> HeldBack:
        """What is shown of a slice, and what is hidden."""
        return HeldBack.of(self.cases.problem(number), torch.from_numpy(self.held.copy()))

    def problem(self, number: int) -> Problem:
        """What is shown of a slice."""
        return self.parts(number).shown

    def fingerprint(self, number: int) -> str:
        """What decides it."""
        return digest_of(self.cases.fingerprint(number), self.held)

    def one_image(self, images: NDArray[np.inexact], number: int) -> NDArray[np.inexact]:
        """The images of all map sets, by which alone the data are predicted."""
        return images

    def beside(self, number: int) -> Arrays:
        """Nothing is kept beside them."""
        return {}
