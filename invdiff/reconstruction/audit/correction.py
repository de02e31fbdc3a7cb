"""By how much posterior samples are to be widened, or drawn together, so that their spread is the error's."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.fourier import to_image, to_kspace
from invdiff.reconstruction.audit.discrepancy import Discrepancy
from invdiff.reconstruction.audit.lines import Array, by_line, jackknife

_NOTHING = 1e6  # squared uncertainty of a band that tells nothing
_LEAST = 0.04  # of the variance that samples have: error below what noise explains tells no more


@dataclass(frozen=True, eq=False)
class Correction:
    """The ratio of the error's variance to the samples', band by band of k-space.

    Attributes:
        radius: of the bands, in cycles a pixel, ascending, ``(bands,)``.
        ratio: c, ``(bands,)``.
        uncertainty: one relative standard deviation of c, ``(bands,)``.
        overall: c of all bands together.
        overall_uncertainty: of that.
    """

    radius: Array
    ratio: Array
    uncertainty: Array
    overall: float
    overall_uncertainty: float

    @classmethod
    def of(cls, found: Discrepancy, noise_uncertainty: float = 0.0) -> Self:
        """What held-back samples say: c = (|y - A image|^2 - noise) / variance, summed over a band; its uncertainty by
        leaving out line after line (jackknife; Efron 1982), and by that of the noise level. Bands that tell little are
        drawn towards all bands together (James and Stein 1961, on a logarithmic scale).

        Args:
            found: errors and spread.
            noise_uncertainty: one relative standard deviation of the noise level.
        """
        overall, overall_uncertainty = _ratio(found, np.ones(len(found.error), bool), noise_uncertainty)
        bands = found.places.bands
        each = np.array([_ratio(found, chosen, noise_uncertainty) for chosen in bands])
        logs, spread = np.log(each[:, 0] / overall), each[:, 1] ** 2
        told = np.isfinite(spread)
        between = max(float((logs**2 / spread - 1)[told].sum() / (1 / spread[told]).sum()), 0.0) if told.any() else 0.0
        spread = np.where(told, spread, _NOTHING)
        kept = between / (between + spread)
        return cls(
            np.array([found.places.radius[chosen].mean() for chosen in bands]),
            overall * np.exp(kept * logs),
            np.sqrt(kept * spread + (1 - kept) * overall_uncertainty**2),
            overall,
            overall_uncertainty,
        )

    def widened(self, samples: NDArray[np.complex64], image: NDArray[np.inexact]) -> NDArray[np.complex64]:
        """Samples about an image instead of their mean, their deviations times the root of c in k-space.

        Args:
            samples: ``(samples, H, W)``.
            image: ``(H, W)``.
        """
        deviations = samples - samples.mean(axis=0)
        if len(self.ratio) > 1:
            sides = samples.shape[-2:]
            k = np.stack(np.meshgrid(*((np.arange(n) - n // 2) / n for n in sides), indexing="ij"))
            factor = np.sqrt(np.interp(np.linalg.norm(k, axis=0), self.radius, self.ratio)).astype(np.float32)
            deviations = to_image(factor * to_kspace(deviations))
        else:
            deviations = np.sqrt(self.ratio[0]) * deviations
        widened: NDArray[np.complex64] = (image + deviations).astype(np.complex64)
        return widened


def _ratio(found: Discrepancy, chosen: NDArray[np.bool_], noise_uncertainty: float) -> tuple[float, float]:
    """c of some positions, and its relative uncertainty."""
    sums = by_line(found.places.line[chosen], *(part[chosen] for part in (found.error, found.noise, found.variance)))
    ratio = float(_ratio_of(sums.sum(axis=1, keepdims=True))[0])
    if sums.shape[1] < 2:
        return ratio, np.inf
    told = ratio / np.sqrt(np.count_nonzero(chosen) * found.slices)  # of independent squares
    by_chance = max(jackknife(_ratio_of, sums), told)
    _, noise, variance = sums.sum(axis=1)
    return ratio, float(np.hypot(by_chance, 2 * noise_uncertainty * noise / variance) / ratio)


def _ratio_of(sums: Array) -> Array:
    error, noise, variance = sums
    return np.asarray(np.maximum((error - noise) / variance, _LEAST))
