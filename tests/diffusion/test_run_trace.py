"""The trace of a run, and what a callback sees of it."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.diffusion import Context, Moment, Problem, ResidualRecord, RunTrace, Sampler
from invdiff.methods import METHODS
from invdiff.operators import Subsample
from invdiff.priors import GaussianPrior, Intensity

STEPS = 4
SAMPLERS = {name: method.build(steps=30 if name == "score_sde" else STEPS) for name, method in METHODS.items()}


def fitting(small, name: str) -> tuple[Sampler, Problem, GaussianPrior]:
    """A sampler, a problem and an exact prior of one kind of images."""
    run = SAMPLERS[name]
    run = replace(run, signal=run.signal.suiting(is_complex=run.signal.is_complex, channels=(run.signal.channels,)))
    prior = small.prior(run.signal.channels, run.view.domain)
    prior.intensity = Intensity(90.0, 1.0)
    return run, small.problem("sense"), prior


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_iteration_of_every_sample_stands_in_the_trace(small, name: str) -> None:
    run, problem, prior = fitting(small, name)
    moments: list[Moment] = []
    posterior = run(problem, prior, samples=2, seed=3, callback=moments.append)
    course = [posterior.trace.of_sample(sample) for sample in range(2)]
    assert [len(each) for each in course] == [len(posterior.sigmas) - 1] * 2
    assert len(posterior.trace.course) == len(moments) == sum(map(len, course))
    for each in course:
        assert tuple(iteration.sigma for iteration in each) == posterior.sigmas[:-1]
        changes = [iteration.change for iteration in each[1:] if iteration.change is not None]
        assert changes
        assert all(math.isfinite(change) and change > 0 for change in changes)
        assert {iteration.residual for iteration in each} == {None}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_run_that_is_looked_at_is_the_same(small, name: str) -> None:
    run, problem, prior = fitting(small, name)
    seen: list[object] = []
    looked_at = run(problem, prior, callback=lambda m: seen.append((m.estimate, m.residuals)), record=ResidualRecord())
    assert torch.equal(looked_at.samples, run(problem, prior).samples)
    assert seen


@pytest.mark.parametrize("name", ["dds", "fast", "dps", "song2021"])
def test_a_record_applies_no_operator_and_that_of_residuals_one_an_iteration(
    small, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = 0
    forward = Subsample.forward

    def counted(self: Subsample, x: torch.Tensor) -> torch.Tensor:
        nonlocal applied
        applied += 1
        return forward(self, x)

    monkeypatch.setattr(Subsample, "forward", counted)
    run, problem, prior = fitting(small, name)
    bound = run.bind(problem, prior)
    list(bound.run().states())
    counts = []
    for draw in (
        lambda: list(bound.run().states()),
        lambda: bound.draw(1),
        lambda: bound.draw(1, record=ResidualRecord()),
    ):
        applied = 0
        draw()
        counts.append(applied)
    assert counts[1] == counts[0]
    assert counts[2] - counts[0] == len(bound.draw(1).trace.course)


def test_the_numbers_are_those_of_the_estimates(small) -> None:
    run, problem, prior = fitting(small, "dds")
    seen: list[torch.Tensor] = []
    posterior = run(problem, prior, callback=lambda moment: seen.append(moment.estimate[0]), record=ResidualRecord())
    count = 2 * problem.y.numel()
    for k, (iteration, estimate) in enumerate(zip(posterior.trace.course, seen, strict=True)):
        left = (problem.operator(estimate) - problem.y).norm() / (problem.noise_std * math.sqrt(count))
        assert iteration.residual == pytest.approx(float(left), rel=1e-9)
        if k == 0:
            assert iteration.change is None
        else:
            assert iteration.change == pytest.approx(float((estimate - seen[k - 1]).norm() / estimate.norm()), rel=1e-9)
    assert torch.allclose(seen[-1], posterior.samples[0])  # the last move of DDIM ends in its estimate


def test_the_priors_own_answers_are_others_than_guided_ones(small, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a trace that took them for the estimates would be seen by the test above."""
    run, problem, prior = fitting(small, "dds")
    guided = run(problem, prior, record=ResidualRecord()).trace.course
    monkeypatch.setattr(Context, "estimate", lambda self, x, k: self.guidance(partial(self.unguided, k=k), x, k, self))
    unguided = run(problem, prior, record=ResidualRecord()).trace.course
    assert all(one.residual < other.residual for one, other in zip(guided, unguided, strict=True))


@settings(max_examples=10, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(0, 3))
def test_units_and_company_change_nothing(small, factor: float, seed: int) -> None:
    run, problem, prior = fitting(small, "dds")
    in_units = Problem(problem.operator, factor * problem.y, factor * problem.noise_std)
    one = run(problem, prior, samples=2, seed=seed, record=ResidualRecord()).trace.course
    other = run(in_units, prior, samples=2, seed=seed, together=2, record=ResidualRecord()).trace.course
    assert [iteration[:1] for iteration in one] == sorted(iteration[:1] for iteration in other)
    for sample in range(2):
        rows = [[each[1:] for each in RunTrace([], course).of_sample(sample)] for course in (one, other)]
        np.testing.assert_allclose(*(np.array(row, float) for row in rows), rtol=1e-6)


def test_the_truth_leaves_the_residual_of_noise(small) -> None:
    """Another noise level would not."""
    run, problem, prior = fitting(small, "dds")
    truth = problem.operator.pinv(problem.y)
    noisy = Problem(problem.operator, problem.operator(truth) + 0.05 * small.normal(problem.y.shape, problem.y.dtype))
    found = []
    for noise_std in (0.05, 0.1):
        bound = run.bind(noisy.with_noise_std(noise_std).with_scale(1.0), prior)
        began, *_, state = (context := bound.run()).states()
        moment = Moment(context, began, state, truth[None] / bound.unit, None)
        found.extend(moment.residuals)
    assert found[0] == pytest.approx(1.0, abs=0.15)
    assert found[1] == pytest.approx(found[0] / 2)


def test_where_nothing_was_measured_or_no_noise_is_known_there_is_no_residual(small) -> None:
    run, problem, prior = fitting(small, "song2021")
    unknown = Problem(problem.operator, problem.y)
    for posterior in (
        run(unknown, prior, record=ResidualRecord()),
        run.without_data().generate(prior, (small.side, small.side), record=ResidualRecord()),
    ):
        assert {iteration.residual for iteration in posterior.trace.course} == {None}
        assert posterior.trace.course[-1].change is not None


def test_a_callback_ends_a_run(small) -> None:
    class Enough(Exception):
        pass

    def stop(moment: Moment) -> None:
        if moment.state.k == 2:
            raise Enough

    run, problem, prior = fitting(small, "dds")
    with pytest.raises(Enough):
        run(problem, prior, callback=stop)
