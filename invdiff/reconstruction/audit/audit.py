"""A scan that checks itself: some of its samples are held back, and predicted."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from torch import Tensor

from invdiff.diffusion import Sampler
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.audit.correction import Correction
from invdiff.reconstruction.audit.discrepancy import Discrepancy
from invdiff.reconstruction.audit.held_back import HeldBack, held_of
from invdiff.reconstruction.audit.prediction import Prediction
from invdiff.reconstruction.audit.residual import Residual
from invdiff.reconstruction.audit.unfit import unfit_hidden, unfit_shown

FRACTION = 0.15
"""Of the samples outside the calibration region, to be held back."""

_CLEAR = 2  # standard deviations, beyond which error bars are said to be wrong
_UNEXPLAINED = 1.2  # times what noise leaves
_OVERFITTED = 0.7
_SAID = 8  # lines that are named
_KEPT = 1000  # that are stored: an attribute holds 64 KiB


@dataclass(frozen=True, eq=False)
class Audit:
    """What a scan says about its reconstruction, without any truth.

    Attributes:
        correction: of the samples' spread, by the lines that fit.
        residual: what an image leaves of the data that it was made of.
        unfit: where the lines, or points, are that do not fit the others: indices in k-space, from zero, along the
            dimensions that tell them apart.
    """

    correction: Correction
    residual: Residual
    unfit: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, found: Iterable[tuple[HeldBack, Tensor, Tensor | None]], noise_uncertainty: float = 0.0) -> Self:
        """The audit of slices that were sampled alike.

        Args:
            found: at least one: its parts, posterior samples of what was shown, and the image that these are to be
                about; None: their mean.
            noise_uncertainty: one relative standard deviation of the noise level.

        Raises:
            InputError: as `Discrepancy.of`.
        """
        discrepancies, predictions, residuals = [], [], []
        for parts, samples, image in found:  # one at a time: slices are large
            made = samples.mean(0) if image is None else image
            discrepancies.append(Discrepancy.of(parts.hidden, samples, image))
            predictions.append(Prediction.of_image(parts.shown, made))
            residuals.append(Residual.of(parts.shown, made))
        hidden = sum(discrepancies[1:], discrepancies[0])
        shown = sum(predictions[1:], predictions[0])
        is_unfit = unfit_hidden(hidden)
        where = hidden.places.where(is_unfit).numbers | shown.places.where(unfit_shown(shown)).numbers
        correction = Correction.of(hidden.where(~is_unfit), noise_uncertainty)
        return cls(correction, Residual.mean(residuals), tuple(sorted(where)))

    @property
    def verdict(self) -> tuple[str, ...]:
        """Sentences."""
        found = self.correction
        factor, within = found.overall**0.5, found.overall_uncertainty / 2
        if factor > 1 + _CLEAR * within * factor:
            said = [f"error bars were {factor:.1f} times too small and have been widened"]
        elif factor < 1 - _CLEAR * within * factor:
            said = [f"error bars were {1 / factor:.1f} times too large and have been narrowed"]
        else:
            said = [f"error bars are as wide as held-back samples ask, times {factor:.2f}"]
        said[0] += f" (within {within:.0%}, by samples that were held back)"
        left = self.residual
        if left.overall > _UNEXPLAINED:
            coil = int(left.ratio.mean(axis=1).argmax())
            said.append(
                f"the image leaves {left.overall:.1f} times what noise would of the data, most of coil {coil}: maps, "
                "the noise level, or motion do not fit"
            )
        elif left.overall < _OVERFITTED:
            said.append(
                f"the image leaves {left.overall:.2f} times what noise would of the data: the noise level is too high, "
                "or the data are followed too closely"
            )
        if self.unfit:
            said.append(
                f"{_listed(self.unfit)} do not fit the others, as after a spike or a movement: look at the data there, "
                "and leave them out of the mask"
            )
        return tuple(said)

    @property
    def attributes(self) -> dict[str, str | float]:
        """All of it, to be stored with a result: factors of standard deviations, and lists as JSON."""
        found, left = self.correction, self.residual
        return {
            "audit_factor": found.overall**0.5,
            "audit_uncertainty": found.overall_uncertainty / 2,
            "audit_band_radius": json.dumps(found.radius.round(4).tolist()),
            "audit_band_factor": json.dumps(np.sqrt(found.ratio).round(4).tolist()),
            "audit_band_uncertainty": json.dumps((found.uncertainty / 2).round(4).tolist()),
            "audit_residual": left.overall,
            "audit_residual_by_coil_and_band": json.dumps(left.ratio.round(4).tolist()),
            "audit_unfit": json.dumps(self.unfit[:_KEPT]),
            "audit_verdict": "\n".join(self.verdict),
        }


def audit(
    problem: Problem,
    sampler: Sampler,
    prior: Prior,
    *,
    image: Sampler | None = None,
    samples: int = 4,
    fraction: float = FRACTION,
    noise_uncertainty: float = 0.0,
    seed: int = 0,
) -> Audit:
    """Hold back some of a problem's samples, reconstruct without them, predict them, and compare the errors with what
    posterior samples say they may be.

    If the spread is right, ``E|y - A x|^2 = 2 noise_std^2 + Var(A x)`` at every held-back sample of complex data. The
    idea of holding samples back is that of SSDU (Yaman et al., Magnetic Resonance in Medicine 84, 2020).

    Args:
        problem: measured by an operator that ends in a choice of samples, with its noise level.
        sampler: whose samples are judged.
        prior: what images look like.
        image: makes the image that the samples are to be about; else it is their mean.
        samples: how many to draw, at least two.
        fraction: of the samples outside the calibration region to hold back: lines, where lines were sampled whole.
        noise_uncertainty: one relative standard deviation of the noise level.
        seed: of the random numbers.

    Raises:
        InputError: nothing can be held back, the noise level is not known, or parts do not fit.
    """
    held = HeldBack.of(problem, held_of(problem, fraction, seed))
    drawn = sampler.bind(held.shown, prior).draw(samples, seed=seed).samples
    made = None if image is None else image.bind(held.shown, prior).draw(1, seed=seed).samples[0]
    return Audit.of([(held, drawn, made)], noise_uncertainty)


def _listed(numbers: Sequence[tuple[int, ...]]) -> str:
    are_lines = len(numbers[0]) == 1
    names = [str(number[0] if are_lines else number) for number in numbers[:_SAID]]
    more = f" and {len(numbers) - _SAID} more" if len(numbers) > _SAID else ""
    return f"{'lines' if are_lines else 'points'} {', '.join(names)}{more}"
