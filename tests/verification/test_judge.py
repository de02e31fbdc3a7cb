"""Verdicts: a right sampler passes, and each broken twin of it does not."""

from typing import Any

import pytest

from invdiff.errors import InputError
from invdiff.methods import METHODS, Method
from invdiff.verification import ExactProblem, Extent, judge
from invdiff.verification.judge import within
from tests.verification.twins import RIGHT, TWINS

PROBLEMS = [ExactProblem("circulant", operator, 0.3) for operator in ("inpainting", "fourier")]
EXTENT, QUICK = Extent(50, 2), Extent(20, 1)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_a_right_sampler_passes(problem: ExactProblem) -> None:
    verdict = judge(RIGHT, problem, 300, EXTENT)
    assert verdict.is_right, verdict
    assert verdict.calls == 300


@pytest.mark.parametrize("twin", TWINS)
def test_its_broken_twins_do_not(twin: str) -> None:
    verdict = judge(RIGHT, PROBLEMS[0], 300, EXTENT, TWINS[twin])
    assert verdict.is_judged
    assert {"spread measured", "bias"} & set(verdict.crossed), verdict


def test_too_few_calls_are_seen() -> None:
    assert "spread unmeasured" in judge(RIGHT, PROBLEMS[0], 20, EXTENT).crossed


def test_a_shipped_method_whose_spread_is_too_small() -> None:
    verdict = judge(METHODS["fast"], PROBLEMS[0], 30, EXTENT)
    assert verdict.measures is not None
    assert verdict.measures.measured < 0.8
    assert {"spread measured", "spread unmeasured", "90 %"} <= set(verdict.crossed)
    assert "bias" not in verdict.crossed


@pytest.mark.parametrize(("name", "budget", "steps"), [("fast", 20, 20), ("jalal2021", 20, 6), ("song2021", 21, 10)])
def test_budgets_are_met(name: str, budget: int, steps: int) -> None:
    sampler = within(METHODS[name], budget, {})
    assert sampler.grid.steps == steps
    assert sampler.nfe <= budget
    assert METHODS[name].with_settings({"steps": str(steps + 1)}).nfe > budget


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("estimate", {}, "estimate makes one image, which is no sample; judge calibrated."),
        ("mc_ddpm", {}, "needs a prior that knows the unsampled k-space"),
        ("chung2022_real", {}, "makes real images, and these are complex"),
        ("chung2022_soss", {}, "use the view Sense"),
        ("fast", {"steps": "9"}, "leave steps out"),
        ("fast", {"lam": "1"}, "fast has no parameter lam"),
        ("song2021_langevin", {"inner_steps": "99"}, "takes 100 network calls at least, more than 20"),
    ],
)
def test_what_can_not_be_judged_is_a_sentence(name: str, given: dict[str, str], sentence: str) -> None:
    verdict = judge(METHODS[name], PROBLEMS[0], 20, QUICK, given)
    assert sentence in verdict.refusal
    assert not verdict.is_judged
    assert not verdict.is_right
    assert verdict.measures is None


def test_a_method_without_steps_is_refused() -> None:
    fixed = Method("fixed", (), lambda: METHODS["fast"].build())
    assert "has no parameter steps" in judge(fixed, PROBLEMS[0], 20, QUICK).refusal


def test_a_run_that_diverges_is_wrong_and_no_end() -> None:
    verdict = judge(RIGHT, PROBLEMS[0], 300, QUICK, {"drift": "1e200"})
    assert verdict.is_judged
    assert not verdict.is_right
    assert verdict.measures is None
    assert "diverge" in " ".join(verdict.crossed)


@pytest.mark.parametrize("extent", [{"samples": 19}, {"draws": 0}])
def test_extents_that_tell_nothing_are_refused(extent: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="at least 20 samples"):
        Extent(**extent)
