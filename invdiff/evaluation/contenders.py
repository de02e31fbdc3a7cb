"""What is compared: methods with a learned prior, and classical baselines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from invdiff.classical import best_by_truth, cg_sense, l1_wavelet, of_every_slice, total_variation
from invdiff.classical.baselines import SPARSE_WEIGHTS, TIKHONOV_WEIGHTS
from invdiff.diffusion import Sampler
from invdiff.diffusion.bound import check_samples
from invdiff.errors import InputError
from invdiff.methods import OF_VOLUMES, Method
from invdiff.methods.named_parts import name_of_value
from invdiff.named import named
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction import Cases, FolderStore, ScanCases, known_noise, reconstruct, stage_of
from invdiff.reconstruction.executors import own_device

Complex = NDArray[np.complex64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a contender made of a scan.

    Attributes:
        image: ``(slices, H, W)``, in the scan's units.
        seconds: for all slices.
        nfe: network calls for one sample of one slice.
        weight: of the penalty, where one was chosen by the truth.
    """

    image: Complex
    seconds: float
    nfe: int = 0
    weight: float | None = None


class Contender(Protocol):
    """A way to reconstruct."""

    @property
    def name(self) -> str:
        """What tables and figures call it."""
        ...

    @property
    def prior_name(self) -> str:
        """Of its prior; empty where it has none."""
        ...

    @property
    def settings(self) -> str:
        """All that its result depends on besides the scan and the seed."""
        ...

    def check(self, cases: Cases) -> None:
        """Refuse, in no time, a scan that it can't reconstruct.

        Raises:
            InputError: it can't.
        """
        ...

    def __call__(self, cases: Cases, seed: int, keep: Path, progress: Progress) -> Outcome:
        """Reconstruct every slice.

        Args:
            cases: the scan.
            seed: of random numbers.
            keep: a folder for what is finished, if it takes long.
            progress: told (done, total).
        """
        ...


@dataclass(frozen=True)
class Diffusion:
    """The mean of a method's posterior samples, or the image of a method that makes one.

    Args:
        method: the method.
        given: its parameters, as text; the others have their defaults.
        prior: what images look like.
        prior_name: what to call it.
        samples: how many for each slice, of a method that draws some.
        device: where workers compute; None: where the prior is.

    Raises:
        InputError: the method has no such parameter, a value is none, or no sample is asked for.
    """

    method: Method
    given: Mapping[str, str]
    prior: Prior
    prior_name: str
    samples: int
    device: str | None = None

    def __post_init__(self) -> None:
        check_samples(self.samples)
        _ = self.sampler

    @property
    def name(self) -> str:
        """The method's."""
        return self.method.name

    @property
    def sampler(self) -> Sampler:
        """The method with its parameters."""
        return self.method.with_settings({**OF_VOLUMES, **self.given}, channels=self.prior.channels)

    @cached_property
    def settings(self) -> str:
        """Every parameter, the number of samples, and the prior with 12 digits of its fingerprint."""
        parameters: dict[str, Any] = {**self.method.defaults, **OF_VOLUMES, **self.given}
        if "signal" in parameters:
            parameters["signal"] = self.sampler.signal  # it may be another for complex images, or for this prior
        parameters |= {"samples": self._count, "prior": self.prior_name, "weights": self.prior.fingerprint()[:12]}
        return " ".join(f"{key}={name_of_value(value)}" for key, value in parameters.items())

    @property
    def _count(self) -> int:
        return 1 if self.method.spread else self.samples  # a method of one image has no samples to average

    def check(self, cases: Cases) -> None:
        """Bind the method to the first slice, or slab of slices, that is not empty."""
        drawing = stage_of(cases, self.sampler, self.prior, self._count).drawing
        drawing.bound(drawing.problems.full[0])

    def __call__(self, cases: Cases, seed: int, keep: Path, progress: Progress) -> Outcome:
        """As `reconstruct`; what was kept before an interruption costs no time."""
        sampler, prior, start = self.sampler, self._prior_here(), perf_counter()
        cases = known_noise(cases, prior, store=FolderStore(keep))
        result = reconstruct(cases, sampler, prior, samples=self._count, seed=seed, keep=keep, progress=progress)
        return Outcome(result.mean, perf_counter() - start, sampler.nfe)

    def _prior_here(self) -> Prior:
        return self.prior if self.device is None else self.prior.to(own_device(self.device))


class ZeroFilled:
    """What the data alone show."""

    name = "zero-filled"
    prior_name = ""
    settings = ""

    def check(self, cases: Cases) -> None:
        """Every measurement will do."""

    def __call__(self, cases: Cases, seed: int, keep: Path, progress: Progress) -> Outcome:
        """Aᴴ y of every slice; along a trajectory, gridded by the density of its points."""
        start = perf_counter()
        return Outcome(cases.zero_filled.astype(np.complex64), perf_counter() - start)


@dataclass(frozen=True)
class Classical:
    """A baseline, at the weight that suits the truth best: an oracle's choice, which flatters it."""

    name: str
    function: Callable[[Problem, float], Tensor]
    weights: tuple[float, ...]

    @property
    def prior_name(self) -> str:
        """It has none."""
        return ""

    @property
    def settings(self) -> str:
        """Among which weights was chosen."""
        low, high = min(self.weights), max(self.weights)
        return f"best by the truth of {len(self.weights)} weights from {low:.3g} to {high:.3g}"

    def check(self, cases: Cases) -> None:
        """Every scan will do."""

    def __call__(self, cases: Cases, seed: int, keep: Path, progress: Progress) -> Outcome:
        """Of the seconds of all weights, the mean is told.

        Raises:
            InputError: the measurement is no scan, or has no ground truth to choose a weight by.
        """
        start, truth = perf_counter(), cases.ground_truth
        if not isinstance(cases, ScanCases) or truth is None:
            raise InputError(f"{cases.name} is no scan with a ground truth, which the baseline {self.name} needs.")
        weights = _followed(self.weights, progress)
        best = best_by_truth(of_every_slice(self.function, cases), weights, truth)
        return Outcome(best.image, (perf_counter() - start) / len(self.weights), weight=best.weight)


def _followed(weights: Sequence[float], progress: Progress) -> Iterator[float]:
    for done, weight in enumerate(weights):
        progress(done, len(weights))
        yield weight
    progress(len(weights), len(weights))


CLASSICAL: dict[str, Contender] = {
    baseline.name: baseline
    for baseline in (
        ZeroFilled(),
        Classical("cg-sense", cg_sense, TIKHONOV_WEIGHTS),
        Classical("l1-wavelet", l1_wavelet, SPARSE_WEIGHTS),
        Classical("tv", total_variation, SPARSE_WEIGHTS),
    )
}
"""Baselines by name."""


def find_baseline(name: str) -> Contender:
    """The baseline of a name.

    Raises:
        InputError: there is none.
    """
    return named(CLASSICAL, name, "baseline")
