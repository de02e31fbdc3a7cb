"""How far samples are from the posterior that they are said to be of."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from invdiff.verification.exact_problem import Posed
from invdiff.verification.mixture import Marginals

_PROJECTIONS = 32  # random directions of the sliced distance
_REPLICATES = 24  # sets of exact samples that tell what chance does


@dataclass(frozen=True)
class Measures:
    """What samples are like, over several measurements of one kind.

    Attributes:
        bias: of the samples' mean, in posterior standard deviations: root mean square over the posterior's principal
            axes, less what as many samples leave to chance.
        measured: standard deviation of the samples over the posterior's, root mean square over the principal axes of
            what was measured.
        unmeasured: the same of what was not measured; NaN where all was.
        coverage_50: probability, by the exact posterior, that a number lies within the interval that holds the middle
            half of the samples. That it is exact and not counted is what lets few samples tell (Rao-Blackwell).
        coverage_90: the same of the interval that holds 90 % of them.
        distance: sliced Wasserstein-1 distance to the posterior (Bonneel 2015, sec. 3), in posterior standard
            deviations along each random direction of the image, less that of as many exact samples. Axes weigh all
            directions alike; this weighs them by how uncertain they are, so it sees whether modes have their weights.
    """

    bias: float
    measured: float
    unmeasured: float
    coverage_50: float
    coverage_90: float
    distance: float


@dataclass(frozen=True)
class Chance:
    """What comes of exact samples, as many as were judged.

    Attributes:
        distance: their mean sliced distance.
        errors: standard deviations of all measures: their standard errors.
    """

    distance: float
    errors: Measures


def measures(posed: Sequence[Posed], samples: Sequence[Tensor]) -> tuple[Measures, Measures]:
    """The measures of samples of several problems, and their standard errors, which are those of exact samples.

    Args:
        posed: the problems, of one kind.
        samples: of each, ``(n, d)`` float64 in coordinates, the same number; at least 20.
    """
    by_chance = chance(tuple(posed), len(samples[0]))
    raw = _raw(posed, samples)
    return replace(raw, distance=raw.distance - by_chance.distance), by_chance.errors


@lru_cache(maxsize=64)
def chance(posed: tuple[Posed, ...], count: int) -> Chance:
    """What comes of exact samples of these problems, so many of each."""
    generator = torch.Generator().manual_seed(count)
    replicates = [_raw(posed, [each.posterior.draw(count, generator) for each in posed]) for _ in range(_REPLICATES)]
    distance = float(np.mean([each.distance for each in replicates]))
    return Chance(distance, Measures(*np.std([astuple(each) for each in replicates], 0, ddof=1).tolist()))


def _raw(posed: Sequence[Posed], samples: Sequence[Tensor]) -> Measures:
    """The measures, the distance as it is."""
    biases, measured, unmeasured, halves, nineties, distances = [], [], [], [], [], []
    for each, drawn in zip(posed, samples, strict=True):
        directions, split = each.axes.directions, each.axes.measured
        exact, along = each.posterior.along(directions), drawn @ directions
        means = (along.mean(0) - each.posterior.mean @ directions) / exact.std
        variances = along.var(0) / exact.std.square()
        biases.append(means.square() - variances / len(drawn))
        measured.append(variances[:split])
        unmeasured.append(variances[split:])
        halves.append(_coverage(exact, along, 0.5))
        nineties.append(_coverage(exact, along, 0.9))
        distances.append(_distance(each, drawn))
    return Measures(
        math.sqrt(max(0.0, float(torch.cat(biases).mean()))),
        float(torch.cat(measured).mean().sqrt()),
        float(torch.cat(unmeasured).mean().sqrt()),
        float(torch.cat(halves).mean()),
        float(torch.cat(nineties).mean()),
        float(torch.stack(distances).mean()),
    )


def _coverage(exact: Marginals, along: Tensor, level: float) -> Tensor:
    """Exact probability of the samples' central interval, ``(m,)``; its mean is the level for exact samples, as their
    quantiles are those of Hyndman and Fan 1996, definition 6."""
    tail = (1 - level) / 2
    ends = torch.from_numpy(np.quantile(along.numpy(), [tail, 1 - tail], axis=0, method="weibull"))
    below = exact.cdf(ends)
    return below[1] - below[0]


def _distance(posed: Posed, drawn: Tensor) -> Tensor:
    """The mean over directions of the area between distribution functions, by quantiles."""
    exact, quantiles = _sliced(posed, len(drawn))
    apart = (drawn @ _random_directions(drawn.shape[1])).sort(0).values - quantiles
    return (apart.abs().mean(0) / exact.std).mean()


@lru_cache(maxsize=256)
def _sliced(posed: Posed, count: int) -> tuple[Marginals, Tensor]:
    exact = posed.posterior.along(_random_directions(posed.gram.shape[0]))
    return exact, exact.quantiles((torch.arange(count, dtype=torch.float64) + 0.5) / count)


@lru_cache(maxsize=4)
def _random_directions(size: int) -> Tensor:
    drawn = torch.randn(size, _PROJECTIONS, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    directions: Tensor = drawn / torch.linalg.vector_norm(drawn, dim=0)
    return directions
