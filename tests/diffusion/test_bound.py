"""What a sampler computes of a problem is computed once, however many samples are drawn."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    VE,
    Bound,
    DownToNoise,
    Geometric,
    LateStart,
    Problem,
    ProjectionConsistency,
    Sampler,
    TwoChannel,
)
from invdiff.diffusion.steps import projection_consistency
from invdiff.errors import InputError
from invdiff.methods import METHODS
from invdiff.operators import Subsample
from invdiff.priors import GaussianPrior, Intensity

SAMPLERS = {name: method.build(steps=30 if name == "score_sde" else 4) for name, method in METHODS.items()}
SAMPLERS["projected"] = Sampler(VE(0.1, 4), Geometric(4), [DDIM(0.5), ProjectionConsistency(1.0)], TwoChannel())
Draw = Callable[[Sampler, Problem, GaussianPrior], None]


def fitting(name: str) -> Sampler:
    """The sampler for a prior of one kind of images, as exact priors are."""
    run = SAMPLERS[name]
    return replace(run, signal=run.signal.suiting(is_complex=run.signal.is_complex, channels=(run.signal.channels,)))


def prior_of(small, run: Sampler) -> GaussianPrior:
    prior = small.prior(run.signal.channels, run.view.domain)
    prior.intensity = Intensity(90.0, 1.0)
    return prior


def bind(small, name: str) -> Bound:
    run = fitting(name)
    return run.bind(small.problem("sense"), prior_of(small, run))


# The work


@contextmanager
def counting(y: Tensor) -> Iterator[Counter[str]]:
    """Counts what is done to a measurement, whatever its units: binds, adjoints of it, looks for NaN in arrays of its
    size, and tests whether the operator is injective."""
    times: Counter[str] = Counter()

    def is_measurement(_: object, x: Tensor) -> bool:
        return x.shape == y.shape and torch.allclose(x / x.norm(), y / y.norm())

    def spy(name: str, function: Callable, is_counted: Callable[..., bool] = lambda *_: True) -> Callable:
        def counted(*args, **options):
            times[name] += is_counted(*args)
            return function(*args, **options)

        return counted

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Sampler, "bind", spy("bind", Sampler.bind))
        patched.setattr(Subsample, "adjoint", spy("adjoint", Subsample.adjoint, is_measurement))
        patched.setattr(torch, "isfinite", spy("scan", torch.isfinite, lambda x: x.shape == y.shape))
        is_injective = spy("injective", projection_consistency._is_injective)
        patched.setattr(projection_consistency, "_is_injective", is_injective)
        yield times


def three(run: Sampler, problem: Problem, prior: GaussianPrior) -> None:
    run(problem, prior, samples=3)


def one_by_one(run: Sampler, problem: Problem, prior: GaussianPrior) -> None:
    for index in range(3):
        run(replace(problem), prior, first=index)


def work(small, name: str, scale: float | None = 1.0, draw: Draw = three) -> Counter[str]:
    """What three samples of one slice take, from its measurement on."""
    run, measured = fitting(name), small.problem("sense")
    with counting(measured.y) as times:
        draw(run, Problem(measured.operator, measured.y, measured.noise_std, scale), prior_of(small, run))
    return times


every_name = pytest.mark.parametrize("name", ["fast", "estimate", "chung2022_complex"])
warning_once = pytest.mark.filterwarnings("ignore:.*least squares whatever the prior says:UserWarning")


@every_name
def test_a_problem_is_bound_once_however_many_samples_are_drawn(small, name: str) -> None:
    assert work(small, name) == {"bind": 1, "adjoint": 1, "scan": 1}


@every_name
def test_an_intensity_that_is_not_given_is_read_off_one_image(small, name: str) -> None:
    assert work(small, name, scale=None) == {"bind": 1, "adjoint": 1, "scan": 1}


@warning_once
def test_an_operator_is_tried_and_inverted_once(small) -> None:
    assert work(small, "projected") == {"bind": 1, "adjoint": 2, "scan": 1, "injective": 1}  # Aᴴ y and that of A⁺ y


@warning_once
@pytest.mark.parametrize("name", ["fast", "estimate", "chung2022_complex", "projected"])
def test_a_bind_for_every_sample_is_noticed(small, name: str) -> None:
    once = work(small, name)
    assert work(small, name, draw=one_by_one) == {what: 3 * times + (what == "scan") for what, times in once.items()}


# What is drawn

every_method = pytest.mark.parametrize("name", METHODS)


@every_method
def test_a_bound_sampler_draws_what_the_sampler_draws(small, name: str) -> None:
    run, problem = fitting(name), small.problem("sense")
    prior = prior_of(small, run)
    expected, bound = run(problem, prior, samples=3, seed=2, case=1), run.bind(problem, prior)
    made = bound.draw(3, seed=2, case=1)
    assert torch.equal(made.samples, expected.samples)
    assert (made.scale, made.nfe, made.sigmas) == (expected.scale, expected.nfe, expected.sigmas)
    assert not torch.equal(bound.draw(3, seed=3, case=1).samples, made.samples) or name == "estimate"


@every_method
@given(indices=st.builds(range, st.integers(0, 2), st.integers(3, 5), st.integers(1, 2)), together=st.integers(1, 4))
@settings(max_examples=5)
def test_samples_depend_on_their_index_alone(small, name: str, indices: range, together: int) -> None:
    bound = bind(small, name)
    made, whole = bound.draw(indices, together=together).samples, bound.draw(5).samples
    torch.testing.assert_close(made, whole[list(indices)], rtol=1e-9, atol=1e-9)
    assert len(made) == len(indices)


def test_runs_share_what_was_bound_and_nothing_else(small) -> None:
    bound = bind(small, "jalal2021")
    one, other = bound.run([0]), bound.run([1])
    assert one.adjoint_y is other.adjoint_y
    assert one.operator is other.operator
    *_, last = one.states()
    assert (one.denoiser.calls, other.denoiser.calls) == (bound.network_calls, 0)
    assert torch.equal(bound.draw(range(1)).samples, bound.draw(1).samples)
    *_, again = bound.run([0]).states()
    assert torch.equal(last.x, again.x)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"samples": 0}, "samples=0"),
        ({"samples": range(3, 3)}, "samples=0"),
        ({"samples": range(-1, 2)}, "whole numbers from zero"),
        ({"samples": 1, "together": 0}, "together=0"),
        ({"samples": 1, "seed": -1}, "whole numbers from zero"),
    ],
)
def test_samples_that_make_no_sense_are_refused(small, options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        bind(small, "fast").draw(**options)


# What it costs


@every_method
def test_network_calls_are_known_before_they_are_made(small, name: str) -> None:
    bound = bind(small, name)
    assert bound.network_calls == bound.draw(2).nfe


@pytest.mark.parametrize("noise_std", [0.03, 0.045])
def test_network_calls_are_those_of_the_levels_that_the_noise_asks_for(small, noise_std: float) -> None:
    """A late start at a noise level skips another number of them."""
    run = Sampler(VE(0.01, 4), DownToNoise(8), [DDIM()], TwoChannel(), start=LateStart(0.1))
    bound = run.bind(small.problem("sense", noise_std=noise_std), small.prior(2))
    assert bound.network_calls == bound.draw(1).nfe
    assert bound.network_calls == run.network_calls(bound.levels) != run.nfe
