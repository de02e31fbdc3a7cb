"""A method's parameters, put to the test on a validation set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from invdiff.diffusion.sampler import Sampler
from invdiff.errors import InputError
from invdiff.methods.method import Method
from invdiff.priors import Prior
from invdiff.reconstruction import Cases, Measurement, known_noise, reconstruct, stage_of
from invdiff.tuning.objectives import Objective
from invdiff.tuning.space import NOISE_TIMES, Parameters, Space


@dataclass
class Validation:
    """Scores parameters: reconstructs every measurement with them and averages the objective.

    All points are scored with the same random numbers, so differences are the parameters' own.

    Args:
        method: whose parameters they are.
        measurements: the validation set.
        objective: the score.
        prior: what images look like.
        settings: of the method's other parameters, as text.
        samples: of each slice; their mean is scored.
        seed: of the samples.

    Raises:
        InputError: a measurement can't be scored by the objective, or there is none.
    """

    method: Method
    measurements: Sequence[Measurement]
    objective: Objective
    prior: Prior
    settings: Mapping[str, str] = field(default_factory=dict)
    samples: int = 1
    seed: int = 0
    shown: Sequence[Cases] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.measurements:
            raise InputError("A search needs at least one measurement to judge by.")
        self.shown = [self.objective.show(measurement) for measurement in self.measurements]
        for measurement, cases in zip(self.measurements, self.shown, strict=True):
            self.objective.score(measurement, cases, cases.zero_filled)  # refuse now what can't be scored later

    @cached_property
    def believed(self) -> Sequence[Cases]:
        """What methods see, with a noise level that is known as well as `solve` knows it; see `known_noise`."""
        return [known_noise(cases, self.prior) for cases in self.shown]

    @property
    def record(self) -> dict[str, Any]:
        """What scores depend on, as JSON holds it; arrays as their SHA-256."""
        return {
            "method": self.method.name,
            "settings": dict(self.settings),
            "samples": self.samples,
            "operator": self.measurements[0].kind.name,
            "measurements": [f"{m.name} sha256:{m.digest}" for m in self.measurements],
            "weights": self.prior.fingerprint(),
        }

    def check(self, space: Space) -> None:
        """Refuse a space that holds points which the method does not take, before anything is computed.

        Raises:
            InputError: the method refuses a corner of the space, or does not suit the prior or the data.
        """
        for one in space.ranges:
            if one.name in self.settings:
                raise InputError(f"{one.name} is both searched and set to {self.settings[one.name]}; choose one.")
        for cases in self.shown:
            for corner in space.corners:
                sampler = self._sampler(corner, cases)
            drawing = stage_of(cases, sampler, self.prior, self.samples).drawing
            for number in drawing.problems.full:
                drawing.bound(number)

    def __call__(self, parameters: Parameters) -> float:
        """The mean score over the measurements.

        Raises:
            InputError: the method refuses the parameters or diverges with them, or a score is not finite.
        """
        scores = []
        for measurement, cases in zip(self.measurements, self.believed, strict=True):
            sampler = self._sampler(parameters, cases)
            assumed = cases.with_noise_times(parameters.get(NOISE_TIMES, 1.0))
            result = reconstruct(assumed, sampler, self.prior, samples=self.samples, seed=self.seed)
            scores.append(self.objective.score(measurement, cases, result.mean))
        return float(np.mean(scores))

    def _sampler(self, parameters: Parameters, cases: Cases) -> Sampler:
        searched = {name: str(value) for name, value in parameters.items() if name != NOISE_TIMES}
        return self.method.with_settings(
            {**self.settings, **searched}, is_complex=cases.is_complex, channels=self.prior.channels
        )
