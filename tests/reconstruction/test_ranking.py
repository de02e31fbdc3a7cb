"""Who predicts best what was held back from all."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.data.coils import birdcage_maps
from invdiff.data.masks import equispaced, gaussian_points
from invdiff.diffusion import SplitComplex
from invdiff.errors import InputError
from invdiff.methods import calibrated, estimate, fast, mc_ddpm
from invdiff.operators import denoising, sense
from invdiff.priors import GaussianPrior
from invdiff.problem import Problem
from invdiff.reconstruction.audit import Candidate, Places, Prediction, Ranking, rank
from invdiff.reconstruction.audit.lines import jackknife

SHAPE, NOISE = (48, 40), 0.05
MAPS = torch.from_numpy(birdcage_maps(6, SHAPE))
HEAD = torch.zeros(SHAPE)
HEAD[12:30, 8:30] = 1
PRIOR = GaussianPrior(torch.zeros(1, *SHAPE), 0.04 * HEAD[None] + 1e-6)
LINES = torch.from_numpy(equispaced(SHAPE, 2, 8))
POINTS = torch.from_numpy(gaussian_points(SHAPE, 3.0, 0.2, 0))


def draw(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return math.sqrt(2) * torch.randn(*shape, dtype=torch.complex64, generator=generator)


def problem_of(mask: Tensor = LINES, seed: int = 0) -> Problem:
    A = sense(mask, MAPS)
    return Problem(
        A, A(0.2 * HEAD * draw(*SHAPE, seed=seed)) + NOISE * draw(*A.codomain_shape, seed=seed + 1), NOISE, scale=1.0
    )


def prediction(error: np.ndarray) -> Prediction:
    """Of errors ``(readout, lines)``, where noise would leave one."""
    index = np.argwhere(np.ones_like(error, bool)) - np.array(error.shape) // 2
    one = np.ones(error.size)
    return Prediction(Places(index, (error.shape[0], 4 * error.shape[1]), True), error.ravel(), one, one)


@pytest.mark.parametrize("mask", [LINES, POINTS], ids=["lines", "points"])
def test_a_wrong_noise_level_and_wrong_maps_predict_worse(mask: Tensor) -> None:
    right = problem_of(mask)
    elsewhere = replace(right, operator=sense(mask, torch.roll(MAPS, (1, 6, 6), (0, 1, 2))))
    sampler = calibrated(steps=10)
    found = rank(
        right,
        [
            Candidate("maps of another place", sampler, 3, elsewhere),
            Candidate("noise x8", sampler, 3, right.with_noise_std(8 * NOISE)),
            Candidate("right", sampler, 3),
            Candidate("noise / 8", sampler, 3, right.with_noise_std(NOISE / 8)),
        ],
        PRIOR,
    )
    assert found.best == "right"
    behind = {one.name: one for one in found.scores[1:]}
    assert all(one.times > 1.03 for one in behind.values())
    assert not behind["noise x8"].is_as_good
    assert found.sentence.startswith("right predicts best what was held back")
    assert "noise x8 leaves" in found.sentence
    assert found.scores[0].error > 1  # by the right noise, which all are measured by


def test_methods_are_ranked_by_what_they_lose() -> None:
    """The mean of many posterior samples is better than that of few: by the variance of the few."""
    found = rank(
        problem_of(),
        [
            Candidate("one sample", calibrated(steps=10)),
            Candidate("eight", calibrated(steps=10), samples=8),
            Candidate("estimate", estimate(steps=10, signal=SplitComplex())),
        ],
        PRIOR,
    )
    order = [one.name for one in found.scores]
    assert order[-1] == "one sample"
    assert set(order) == {"one sample", "eight", "estimate"}


def test_what_does_not_fit_is_passed_over() -> None:
    other = Candidate("mc_ddpm", mc_ddpm(steps=3))
    found = rank(problem_of(), [other, Candidate("fast", fast(steps=3))], PRIOR)
    assert [one.name for one in found.scores] == ["fast"]
    assert list(found.failures) == ["mc_ddpm"]
    with pytest.raises(InputError, match="could be compared; mc_ddpm: "):
        rank(problem_of(), [other], PRIOR)


def test_what_it_refuses() -> None:
    problem, fits = problem_of(), Candidate("fast", fast(steps=2))
    with pytest.raises(InputError, match="same name"):
        rank(problem, [fits, fits], PRIOR)
    with pytest.raises(InputError, match="fast sees another measurement"):
        rank(problem, [replace(fits, problem=problem_of(seed=9))], PRIOR)
    with pytest.raises(InputError, match="choice of samples"):
        rank(Problem(denoising(SHAPE), draw(*SHAPE, seed=0), NOISE), [fits], PRIOR)
    with pytest.raises(InputError, match="level is not known"):
        rank(replace(problem, noise_std=None), [fits], PRIOR)
    with pytest.raises(InputError, match="level is zero"):
        rank(problem.with_noise_std(0.0), [fits], PRIOR)
    with pytest.raises(InputError, match="no ranking"):
        Ranking.from_json('{"scores": 1}')


errors = st.integers(0, 2**16).map(lambda seed: np.random.default_rng(seed).gamma(1, 1, (8, 5)) + 0.01)


@given(a=errors, b=errors, unit=st.floats(0.01, 100))
def test_the_order_is_that_of_the_sums_and_units_are_no_matter(a: np.ndarray, b: np.ndarray, unit: float) -> None:
    found = Ranking.of({"a": prediction(a), "b": prediction(b)})
    assert [one.name for one in found.scores] == (["a", "b"] if a.sum() <= b.sum() else ["b", "a"])
    assert found.scores[0].times == 1
    assert found.scores[0].is_as_good
    assert found.scores[1].times == pytest.approx(max(a.sum(), b.sum()) / min(a.sum(), b.sum()))
    scaled = Ranking.of({"a": prediction(unit * a), "b": prediction(unit * b)})
    for one, other in zip(found.scores, scaled.scores, strict=True):
        assert other.error == pytest.approx(unit * one.error)
        assert other.times == pytest.approx(one.times)
        assert other.times_uncertainty == pytest.approx(one.times_uncertainty)
    assert Ranking.from_json(found.json) == found


@given(a=errors, hard=st.lists(st.floats(0.1, 100), min_size=5, max_size=5), times=st.floats(1.001, 10))
def test_lines_that_are_hard_for_both_make_no_difference_unsure(a: np.ndarray, hard: list[float], times: float) -> None:
    """And unpaired, they would."""
    a = a * np.array(hard)
    found = Ranking.of({"a": prediction(a), "b": prediction(times * a)}).scores[1]
    assert found.times == pytest.approx(times)
    assert found.times_uncertainty < 1e-6
    assert not found.is_as_good
    assert found.uncertainty > 0.01 * found.error


def test_chance_is_what_repeated_trials_show() -> None:
    """Of two that are alike the second is as good in nine of ten trials or more; of one that is far off, in few."""
    rng = np.random.default_rng(0)

    def share(times: float) -> float:
        trials = [
            Ranking.of({name: prediction(f * rng.gamma(4, 0.25, (8, 6))) for name, f in (("a", 1.0), ("b", times))})
            for _ in range(200)
        ]
        return float(np.mean([trial.scores[1].is_as_good for trial in trials]))

    assert share(1.0) > 0.9
    assert share(2.0) < 0.1


def test_one_line_tells_no_difference() -> None:
    found = Ranking.of({"a": prediction(np.ones((8, 1))), "b": prediction(np.full((8, 1), 9.0))})
    assert found.scores[1].is_as_good
    assert "b is as good within chance" in found.sentence


@given(seed=st.integers(0, 2**16), lines=st.integers(2, 30))
def test_the_jackknife_of_a_mean_is_the_standard_error(seed: int, lines: int) -> None:
    values = np.random.default_rng(seed).standard_normal(lines)
    found = jackknife(lambda sums: sums[0] / sums[1], np.stack([values, np.ones(lines)]))
    assert found == pytest.approx(values.std(ddof=1) / math.sqrt(lines))
