"""What can be computed by itself, anywhere and in any order: samples of one slice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from invdiff.diffusion import Bound, Record, ResidualRecord, Sampler
from invdiff.diffusion.bound import side_by_side
from invdiff.files.digest import digest_of
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.course import Course
from invdiff.reconstruction.executors import own_device
from invdiff.refusal import REFUSED, refusal

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Unit:
    """Samples of one case.

    Attributes:
        case: number of the slice.
        samples: their indices.
    """

    case: int
    samples: range


@dataclass(frozen=True, eq=False)
class Drawn:
    """What came of a unit.

    Attributes:
        images: the samples ``(samples, H, W)`` in the problem's units.
        beside: what belongs to the case whatever the sample: arrays by name, such as ``zero_filled``.
        course: of the samples' runs, where it was recorded.
        failure: why there are no images; empty where there are.
    """

    images: NDArray[np.inexact]
    beside: Arrays = field(default_factory=dict)
    course: Course | None = None
    failure: str = ""

    def kept(self, unit: Unit) -> Iterator[tuple[int, Arrays]]:
        """What is kept of each of the unit's samples, by its index; with the first of all what belongs to the case."""
        for place, (sample, image) in enumerate(zip(unit.samples, self.images, strict=True)):
            course = {} if self.course is None else self.course.of_sample(place)
            yield sample, {"image": image, **course, **(self.beside if sample == 0 else {})}


class Problems(Protocol):
    """What is drawn for: a problem for each of several numbers, as `Cases` are."""

    @property
    def full(self) -> Sequence[int]:
        """The numbers."""

    def problem(self, number: int) -> Problem:
        """The problem, made now."""

    def fingerprint(self, number: int) -> str:
        """What decides the problem."""

    def one_image(self, images: NDArray[np.inexact], number: int) -> NDArray[np.inexact]:
        """What a problem's samples show, as it is kept: a sample's images as one."""

    def beside(self, number: int) -> Arrays:
        """What is kept with the samples."""


@dataclass(eq=False)
class Drawing:
    """Draws the units of some problems, in this process or another.

    A sample depends on the seed, its problem's number and its own index alone, whatever else is drawn and where.

    Args:
        problems: what to draw for.
        sampler: the method.
        prior: what images look like.
        seed: of the random numbers.
        device: where to compute; None: where the prior is.
        together: samples that run side by side, at most; None: as is fastest.
        record: what is told of every iteration.
    """

    problems: Problems
    sampler: Sampler
    prior: Prior
    seed: int = 0
    device: str | None = None
    together: int | None = None
    record: Record = field(default_factory=ResidualRecord)
    _bound: tuple[int, Bound] | None = field(default=None, init=False, repr=False)
    _placed: bool = field(default=False, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_bound": None, "_placed": False}

    def key(self, case: int) -> str:
        """What decides the samples of a case, in few words."""
        return digest_of(self._decided, self.problems.fingerprint(case))[:32]

    @cached_property
    def _decided(self) -> tuple[object, ...]:
        versions = tuple(version(name) for name in ("invdiff", "torch", "numpy"))
        where = torch.device(self.device).type if self.device else self.prior.device.type
        return versions, repr(self.sampler), self.prior.fingerprint(), self.seed, where

    def bound(self, case: int) -> Bound:
        """The sampler bound to the problem of a case, which is kept until another is asked for.

        Raises:
            InputError: parts do not fit.
        """
        if self._bound is None or self._bound[0] != case:
            self._bound = None  # two at a time would take twice the memory
            prior = self._prior_here()
            self._bound = case, self.sampler.bind(self.problems.problem(case).to(prior.device), prior)
        return self._bound[1]

    @property
    def iterations(self) -> int:
        """Iterations of a run from the first level on."""
        return self.sampler.grid.steps + bool(self.sampler.finish)

    @property
    def place(self) -> torch.device:
        """Where this process computes; the prior is moved there."""
        return self._prior_here().device

    def side_by_side(self, samples: int) -> int:
        """How many samples of a case run together."""
        device = torch.device(self.device) if self.device else self.prior.device
        most = side_by_side(device, samples)
        return most if self.together is None else min(most, self.together)

    def __call__(self, unit: Unit, report: Callable[[float], None]) -> Drawn:
        """Draw a unit; what can't be drawn says why.

        Args:
            unit: what to draw.
            report: told the share that is done.
        """
        try:
            bound = self.bound(unit.case)
            posterior = bound.draw(
                unit.samples,
                seed=self.seed,
                case=unit.case,
                together=self.side_by_side(len(unit.samples)),
                progress=lambda done, total: report(done / total),
                record=self.record,
            )
            images = self.problems.one_image(posterior.samples.cpu().numpy(), unit.case)
            noise_std = bound.problem.noise_std
            numbers = {"scale": bound.scale, "noise_std": np.nan if noise_std is None else noise_std * bound.unit}
            known = {name: np.array(value) for name, value in numbers.items()}
            course = Course.of(posterior.trace, unit.samples, self.iterations)
            return Drawn(images, {**self.problems.beside(unit.case), **known}, course)
        except REFUSED as error:
            reason = refusal(error)
            if reason is None:
                raise
            return Drawn(np.zeros(0, np.float32), failure=reason)

    def _prior_here(self) -> Prior:
        if self.device is not None and not self._placed:
            self.prior = self.prior.to(own_device(self.device))
            self._placed = True
        return self.prior
