"""Which of several ways to reconstruct suits a scan best, by samples that were held back from all of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Self

import numpy as np
import torch
from scipy.special import stdtrit

from invdiff.diffusion import Sampler
from invdiff.errors import InputError
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.audit.audit import FRACTION
from invdiff.reconstruction.audit.held_back import HeldBack, held_of, noise_power
from invdiff.reconstruction.audit.lines import Array, by_line, jackknife
from invdiff.reconstruction.audit.prediction import Prediction

_SURE = 0.95  # two-sided, that another is behind


@dataclass(frozen=True)
class Candidate:
    """A way to reconstruct.

    Attributes:
        name: of it.
        sampler: the method.
        samples: of which the mean is its image.
        problem: the measurement as it sees it, by another noise level, other maps; None: as the others do.
    """

    name: str
    sampler: Sampler
    samples: int = 1
    problem: Problem | None = None


@dataclass(frozen=True)
class Score:
    """How well one predicts held-back samples.

    Attributes:
        name: whose it is.
        error: ``|y - A x|^2`` over what noise alone would leave: one at best.
        uncertainty: one standard deviation of it, by leaving out line after line.
        times: the error over that of the best.
        times_uncertainty: one relative standard deviation of that, by leaving out line after line of both: whatever
            makes a line hard for both alike is no part of it.
        is_as_good: whether chance makes as much of a difference, by Student's t of the lines, at 95 %.
    """

    name: str
    error: float
    uncertainty: float
    times: float
    times_uncertainty: float
    is_as_good: bool


@dataclass(frozen=True)
class Ranking:
    """Ways to reconstruct, the best first.

    Attributes:
        scores: of those that made an image.
        failures: why the others did not, by their names.
    """

    scores: tuple[Score, ...]
    failures: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Mapping[str, Prediction], failures: Mapping[str, str] | None = None) -> Self:
        """What predictions of the same samples tell of those who made them.

        Args:
            found: by names, with the same noise.
            failures: why there is none of others, by their names.

        Raises:
            InputError: there is no prediction.
        """
        if not found:
            why = "".join(f"; {name}: {reason}" for name, reason in (failures or {}).items())
            raise InputError(f"Nothing made an image whose predictions could be compared{why}")
        sums = {name: by_line(one.places.line, one.error, one.noise) for name, one in found.items()}
        order = sorted(sums, key=lambda name: float(_ratio(sums[name].sum(axis=1))))
        best = sums[order[0]]
        return cls(tuple(_score(name, sums[name], best) for name in order), failures or {})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The ranking that `json` said.

        Raises:
            InputError: the text is of something else.
        """
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            raise InputError(f"This is no ranking: {error.errors()[0]['msg']}.") from error

    @property
    def json(self) -> str:
        """All of it, as JSON with Infinity."""
        return json.dumps(asdict(self))

    @property
    def attributes(self) -> dict[str, str]:
        """All of it, to be stored with a result, and as a sentence."""
        return {"ranking": self.json, "ranking_sentence": self.sentence}

    @property
    def best(self) -> str:
        """The name of the best."""
        return self.scores[0].name

    @property
    def sentence(self) -> str:
        """Who predicts best, and who as well within chance."""
        best, *others = self.scores
        alike = [one.name for one in others if one.is_as_good]
        behind = [
            f"{one.name} leaves {one.error / best.error:.2f} times as much" for one in others if not one.is_as_good
        ]
        said = f"{best.name} predicts best what was held back ({best.error:.3g} times the noise)"
        if alike:
            said += f"; {_listed(alike)} {'is' if len(alike) == 1 else 'are'} as good within chance"
        return "; ".join([said, *behind])


def rank(
    problem: Problem, candidates: Sequence[Candidate], prior: Prior, *, fraction: float = FRACTION, seed: int = 0
) -> Ranking:
    """Hold the same samples of a problem back from several ways to reconstruct it, and rank them by how well they
    predict these.

    Noise that was held back is nobody's fault and the same for all, so of two images the one that predicts better is
    the better one where k-space was held back. The idea is that of cross-validation (Stone, Journal of the Royal
    Statistical Society B 36, 1974), in k-space that of SSDU (Yaman et al., Magnetic Resonance in Medicine 84, 2020).

    Args:
        problem: measured by an operator that ends in a choice of samples, with a noise level above zero, by which
            errors are told.
        candidates: of different names, which make images with their phase: a root sum of squares predicts no k-space.
        prior: what images look like.
        fraction: of the samples outside the calibration region to hold back: lines, where lines were sampled whole.
        seed: of the random numbers.

    Raises:
        InputError: nothing can be held back, the noise level is not known or zero, no candidate makes an image, two
            have one name, or one is of another measurement.
    """
    if len({one.name for one in candidates}) < len(candidates):
        raise InputError("Two candidates have the same name, and could not be told apart; give each its own.")
    noise_power(problem)  # refuses a level that tells nothing, before anything is drawn
    held = held_of(problem, fraction, seed)
    found, failures = {}, {}
    for one in candidates:
        seen = one.problem or problem
        if not torch.equal(seen.y, problem.y):
            raise InputError(f"{one.name} sees another measurement than the others; give it the same y.")
        parts = HeldBack.of(seen, held)
        try:
            image = one.sampler.bind(parts.shown, prior).draw(one.samples, seed=seed).samples.mean(0)
        except InputError as error:
            failures[one.name] = str(error)
            continue
        found[one.name] = Prediction.of_image(replace(parts.hidden, noise_std=problem.noise_std), image)
    return Ranking.of(found, failures)


def _score(name: str, sums: Array, best: Array) -> Score:
    lines = sums.shape[1]
    both = np.stack([sums[0], best[0]])
    behind, uncertainty = float(_log_ratio(both.sum(axis=1))), jackknife(_log_ratio, both)
    by_chance = float(stdtrit(lines - 1, (1 + _SURE) / 2)) * uncertainty if lines > 1 else np.inf
    error = float(_ratio(sums.sum(axis=1)))
    return Score(name, error, jackknife(_ratio, sums), float(np.exp(behind)), uncertainty, bool(behind <= by_chance))


def _ratio(sums: Array) -> Array:
    return np.asarray(sums[0] / sums[1])


def _log_ratio(sums: Array) -> Array:
    return np.log(_ratio(sums))


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
