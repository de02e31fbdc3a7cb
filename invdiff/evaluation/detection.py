"""Would it be seen? A lesion is added to the measurement, and looked for in what is made of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.diffusion import Sampler
from invdiff.diffusion.sampler import scale_of
from invdiff.evaluation.lesions import Lesion, check_apart
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.audit import Correction
from invdiff.reconstruction.uncertainty.student import Student, check_several

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Finding:
    """What became of a lesion.

    Attributes:
        lesion: as it was put in.
        recovered: the contrast that came back, a share of the image's largest magnitude as the lesion's own.
        amounts: float64 ``(samples,)``: how much of the lesion's shape each posterior sample of the measurement with it
            holds, in the same units; what the image itself holds there is in it.
    """

    lesion: Lesion
    recovered: float
    amounts: NDArray[np.float64] = field(repr=False)

    @property
    def share(self) -> float:
        """Of its contrast, what came back: one of a lesion that is shown as it is, zero of one that is lost."""
        return self.recovered / self.lesion.contrast

    @property
    def spread(self) -> float:
        """Standard deviation of the amounts: what the contrast must stand out from. NaN of fewer than two samples."""
        return float(self.amounts.std(ddof=1)) if len(self.amounts) > 1 else float("nan")

    @property
    def painted_over(self) -> float:
        """Of its contrast, what did not come back."""
        return self.lesion.contrast - self.recovered

    def amount(self, painted_over: float | None = None) -> Student:
        """How much of such a lesion may be there: about what the samples hold, as far off as they disagree and as much
        as is painted over, which no sample of the measurement shows.

        Args:
            painted_over: of a contrast like that at a place like this; None: here.

        Raises:
            InputError: there are fewer than two samples.
        """
        check_several(len(self.amounts))
        missing = self.painted_over if painted_over is None else painted_over
        centre, scale = self.amounts.mean(), np.hypot(self.spread, missing)
        return Student(np.asarray(centre), np.asarray(scale), len(self.amounts) - 1)


@dataclass(frozen=True, eq=False)
class Detection:
    """What became of lesions.

    Attributes:
        findings: of each, in their order.
        image: reconstructed without them, of shape ``operator.domain_shape`` and in the units of ``y``.
        inserted: the lesions by themselves, in the same shape and units.
        difference: what the reconstruction with them has more than `image`.
    """

    findings: tuple[Finding, ...]
    image: Tensor = field(repr=False)
    inserted: Tensor = field(repr=False)
    difference: Tensor = field(repr=False)


def detect(
    problem: Problem,
    sampler: Sampler,
    prior: Prior,
    lesions: Sequence[Lesion],
    *,
    samples: int = 1,
    spread: Sampler | None = None,
    correction: Correction | None = None,
    seed: int = 0,
    case: int = 0,
    progress: Progress | None = None,
) -> Detection:
    """Add lesions to a measurement, ``y + A l``, reconstruct it with and without them, and subtract.

    Both reconstructions have the same operator, noise level, intensity scale and random numbers, so that the difference
    is the lesions' alone. Of each lesion l, what came back is Re⟨l, d⟩ / ⟨l, l⟩ of its contrast, d the difference. All
    are put in at once, so that many take as long as one.

    Args:
        problem: of any operator.
        sampler: the method. The difference is that of the means of its samples.
        prior: what images look like.
        lesions: three sizes or more from each other.
        samples: how many tell the spread.
        spread: draws these samples, where ``sampler`` is a method of one image; the difference is then of two such.
        correction: of the samples' spread, by an audit of the same measurement and samplers; they are then about the
            image.
        seed: of the random numbers.
        case: which image of a data set this is.
        progress: called with (iterations done, iterations in all) of each reconstruction.

    Raises:
        InputError: there is no lesion, one does not lie within the image, two are too near, or as of a call of the
            sampler.
    """
    check_apart(lesions)
    for lesion in lesions:
        lesion.disc(problem.operator.domain_shape)
    problem = problem.to(prior.device)
    problem = problem.with_scale(scale_of(problem, prior))  # a lesion must not change the units

    def drawn(by: Sampler, of: Problem, count: int) -> Tensor:
        return by(of, prior, samples=count, seed=seed, case=case, progress=progress).samples

    count = samples if spread is None else 1
    image = drawn(sampler, problem, count).mean(0)
    image = image if problem.y.is_complex() else image.real
    inserted = torch.zeros_like(image)
    for lesion in lesions:
        inserted += lesion.within(image)
    changed = replace(problem, y=problem.y + problem.operator(inserted).to(problem.y.dtype))
    found = drawn(sampler, changed, count)
    difference = found.mean(0) - image
    if spread is not None:
        found = drawn(spread, changed, samples)
    if correction is not None:
        found = torch.from_numpy(correction.widened(found.cpu().numpy(), (image + difference).cpu().numpy())).to(
            image.device
        )

    findings = []
    for lesion in lesions:
        alone = lesion.within(image)  # all of them together would take much memory
        (recovered,) = _amounts(lesion, alone, difference[None])
        findings.append(Finding(lesion, float(recovered), _amounts(lesion, alone, found)))
    return Detection(tuple(findings), image, inserted, difference)


def _amounts(lesion: Lesion, alone: Tensor, images: Tensor) -> NDArray[np.float64]:
    """How much of a lesion is in each of ``images``: its contrast where it is there as a whole."""
    energy = alone.abs().square().sum(dtype=torch.float64)
    products = (alone.conj() * images).real.flatten(1).sum(1, dtype=torch.float64)
    amounts: NDArray[np.float64] = (lesion.contrast * products / energy).cpu().numpy()
    return amounts
