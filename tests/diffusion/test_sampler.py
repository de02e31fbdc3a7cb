from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from io import BytesIO

import pytest
import torch
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    VE,
    VP,
    Ancestral,
    AnnealedLangevin,
    AnnealedLikelihood,
    Context,
    Converged,
    DiffPIRWeight,
    DiscreteVP,
    DPMSolver2M,
    EulerMaruyama,
    Every,
    FromNoise,
    FromUniform,
    Geometric,
    GradientConsistency,
    Karras,
    Lagging,
    Langevin,
    LateStart,
    NoisedLikelihood,
    NormMatchedLikelihood,
    Part,
    PosteriorVariance,
    ProbabilityFlow,
    Problem,
    ProjectionConsistency,
    Proximal,
    RealImage,
    Renoise,
    ReverseDiffusion,
    Sampler,
    SenseStep,
    State,
    Step,
    Truncated,
    Tweedie,
    TwoChannel,
    Uniform,
)
from invdiff.diffusion.divergence import check_bounded
from invdiff.errors import InputError
from invdiff.methods import METHODS
from invdiff.operators import denoising, sense
from invdiff.priors import GaussianPrior, Intensity, Prior

FINISH = [Tweedie(), GradientConsistency(1.0)]
SAMPLERS = {
    "song": Sampler(
        VE(0.1, 4),
        Geometric(4),
        [GradientConsistency(noised=True), Langevin(0.3, 2), ReverseDiffusion(last_noise=True)],
        TwoChannel(),
        finish=FINISH,
    ),
    "dds": Sampler(VP(), DiscreteVP(4), [Renoise(0.8)], TwoChannel(), guidance=Proximal(1.0)),
    "multistep": Sampler(VP(), DiscreteVP(4), [DPMSolver2M()], TwoChannel(), guidance=Proximal(1.0)),
    "now and then": Sampler(
        VE(0.1, 4), Geometric(4), [ReverseDiffusion(), Every(2, ProjectionConsistency(0.5))], TwoChannel()
    ),
    "late": Sampler(VE(0.1, 4), Geometric(6), [DDIM(0.5)], TwoChannel(), start=LateStart(1.0)),
}
every_sampler = pytest.mark.parametrize("name", SAMPLERS)


# Its parts


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ([], "none"),
        ([Langevin(), GradientConsistency()], "none"),
        ([DDIM(), Renoise()], "DDIM, Renoise"),
        ([Ancestral(), Langevin(), Ancestral()], "Ancestral, Ancestral"),
    ],
)
def test_a_sampler_has_exactly_one_predictor(steps: list[Step], named: str) -> None:
    with pytest.raises(InputError, match=f"exactly one predictor; its steps have {named}"):
        Sampler(VE(), Geometric(3), steps, TwoChannel())


@pytest.mark.parametrize("given", [list, tuple, iter, lambda steps: (step for step in steps)])
def test_steps_are_kept_however_they_are_given(small, given: Callable[[list[Step]], Sequence[Step]]) -> None:
    """An iterator is empty once it has been checked: a run without steps would never reach its last level."""
    steps, finish = [Langevin(), DDIM()], [Tweedie()]
    run = Sampler(VE(0.1, 4), Geometric(2), given(steps), TwoChannel(), finish=given(finish))
    assert run == Sampler(VE(0.1, 4), Geometric(2), (*steps,), TwoChannel(), finish=(*finish,))
    assert run.nfe == counted_calls(small, run) == 5


def test_a_finish_has_no_predictor() -> None:
    with pytest.raises(InputError, match="take the predictor out"):
        Sampler(VE(), Geometric(3), [DDIM()], TwoChannel(), finish=[Tweedie(), DDIM()])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DDIM(1.1), "from 0 to 1"),
        (lambda: Renoise(-0.1), "from 0 to 1"),
        (lambda: Every(0, Langevin()), "m is the number of iterations"),
        (lambda: Every(2, DDIM()), "DDIM moves to the next level"),
        (lambda: Lagging(DDIM()), "DDIM moves on from the level"),
        (lambda: SenseStep(1.2), "from 0 to 1, but got 1.2"),
        (lambda: SenseStep(1.0, -0.1), "from 0 to 1"),
        (lambda: AnnealedLangevin(0.0), "length of a Langevin step against the noise, above zero, but got 0"),
        (lambda: AnnealedLikelihood(0.0), "width of the likelihood"),
        (lambda: AnnealedLikelihood(1.0, -1.0), "zero or more, but got -1"),
        (lambda: NoisedLikelihood(float("nan")), "width of the likelihood"),
        (lambda: NormMatchedLikelihood(0.0), "above zero, but got 0"),
        (lambda: Proximal(-1.0), "at least 0"),
        (lambda: Proximal(float("nan")), "at least 0"),
        (lambda: Converged(at_most=0), "largest number of conjugate-gradient steps, at least 1"),
        (lambda: Truncated(0), "largest number of conjugate-gradient steps, at least 1"),
        (lambda: Converged(float("nan")), "relative residual"),
        (lambda: DiffPIRWeight(0.0), "above zero"),
        (lambda: PosteriorVariance(0.0), "data_std .* above zero"),
        (lambda: PosteriorVariance(floor=-1.0), "floor .* zero or more, but got -1"),
    ],
)
def test_parts_that_make_no_sense_are_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize("rule", [PosteriorVariance(), DiffPIRWeight()])
def test_a_rule_that_needs_the_noise_level_says_so(small, rule: PosteriorVariance) -> None:
    sampler = Sampler(VE(), Karras(3), [Renoise(1.0)], TwoChannel(), guidance=Proximal(rule))
    with pytest.raises(InputError, match=rf"{type(rule).__name__} needs the noise level: give Problem\(noise"):
        sampler(replace(small.problem("fourier"), noise_std=None), small.prior(2))


@pytest.mark.parametrize("rule", [PosteriorVariance(held_back=0.0), DiffPIRWeight()])
def test_without_noise_the_estimate_meets_the_data(small, rule: PosteriorVariance) -> None:
    """noise_std = 0 is a measurement without noise, not a division by zero."""
    sampler = Sampler(
        VE(0.01, 3), Karras(3, 3, 0.01), [Renoise(1.0)], TwoChannel(), guidance=Proximal(rule, Converged(1e-12))
    )
    problem = small.problem("fourier", noise_std=0.0)
    image = sampler(problem, small.prior(2)).samples[0]
    torch.testing.assert_close(problem.operator(image), problem.y, rtol=1e-9, atol=1e-9)


# The problem


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Problem(denoising((4, 4)), torch.ones(4, 5)), r"shape \(4, 5\) but I makes \(4, 4\)"),
        (lambda: Problem(denoising((4, 4)), torch.ones(1, 4, 4)), r"shape \(1, 4, 4\)"),
        (lambda: Problem(denoising((4, 4)), torch.full((4, 4), torch.nan)), "NaN or infinity"),
        (lambda: Problem(denoising((2,)), torch.tensor([1, torch.inf])), "NaN or infinity"),
        (lambda: Problem(denoising((4, 4)), torch.zeros(4, 4)), "zero everywhere"),
        (lambda: Problem(denoising((2,)), torch.ones(2), noise_std=-0.1), "zero or more"),
        (lambda: Problem(denoising((2,)), torch.ones(2), noise_std=float("nan")), "zero or more"),
        (lambda: Problem(denoising((2,)), torch.ones(2), scale=0.0), "positive intensity"),
    ],
)
def test_measurements_that_make_no_sense_are_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"samples": 0}, "At least one sample"),
        ({"together": 0}, "At least one sample runs at a time"),
        ({"together": -2}, "At least one sample runs at a time"),
        ({"seed": -1}, "whole numbers from zero"),
        ({"first": -1}, "whole numbers from zero"),
    ],
)
def test_numbers_of_samples_that_make_no_sense_are_refused(small, options: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        SAMPLERS["dds"](small.problem("fourier"), small.prior(2), **options)


class Diverging(Prior):
    """A network that breaks below a level."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x * (1 if sigma > 1 else float("nan"))


def test_a_run_that_diverges_says_when(small) -> None:
    sampler = Sampler(VE(0.1, 4), Geometric(5), [DDIM()], TwoChannel())
    with pytest.raises(InputError, match=r"diverged at iteration 3 of 5 \(sigma 0\.251\)"):
        sampler(small.problem("fourier"), Diverging())


def bright(prior: Prior, percentile: float | None = 99.9) -> Prior:
    """The prior, its images white at one."""
    prior.intensity = None if percentile is None else Intensity(percentile, 1.0)
    return prior


@pytest.mark.parametrize("name", ["chung2022_complex", "song2021", "ccdf", "song2021_baseline", "chung2022_soss"])
@pytest.mark.parametrize("snr", [1e3, 1e6])
def test_a_run_that_diverges_by_finite_numbers_is_refused(small, name: str, snr: float) -> None:
    """Corrections far too long throw each state out and the next level takes most of it back: images are finite, and
    thousands of times too bright."""
    sampler = METHODS[name].build(steps=40, snr=snr)
    problem, prior = small.problem("sense"), small.prior(sampler.signal.channels)
    with pytest.raises(InputError, match=r"diverged at iteration \d+ of 40 .*: the state is .* times .*lower snr"):
        sampler(problem, bright(prior))
    open_ended = sampler(problem, bright(prior, None))  # of a prior that says nothing of size, nothing is too large
    assert open_ended.samples.isfinite().all()
    assert open_ended.samples.abs().max() > 20


def test_units_of_a_state_are_those_of_data_noise_and_white(small) -> None:
    """A state is refused above a hundred times the largest of the three, and neither below nor by its dimensions."""
    sampler, prior = SAMPLERS["dds"], bright(small.prior(2))
    context = sampler.bind(small.problem("fourier"), prior).run()
    data = float(context.adjoint_y.abs().square().mean().sqrt()) / 2**0.5
    for k, explained in ((1, max(1.0, data, context.levels.beta[0])), (context.levels.steps, max(1.0, data))):
        for factor, side in ((99.0, 8), (101.0, 8), (99.0, 64), (101.0, 64)):
            x = torch.full((2, side, side), factor * explained, dtype=torch.float64)
            x[1] = 0.0  # of several samples each is looked at by itself
            with pytest.raises(InputError, match="1e\\+02 times") if factor > 100 else nullcontext():
                check_bounded(State(x, k), context)


def test_a_finish_that_diverges_is_noticed(small) -> None:
    class AtTheEnd(Step):
        def __call__(self, state: State, context: object) -> State:
            return state.at(state.x * float("inf"))

    sampler = replace(SAMPLERS["dds"], finish=[AtTheEnd()])
    with pytest.raises(InputError, match="diverged"):
        sampler(small.problem("fourier"), small.prior(2))


# A sample is its index's


@every_sampler
def test_a_sample_depends_on_its_own_index_alone(small, name: str) -> None:
    problem, prior, run = small.problem("sense"), small.prior(2), SAMPLERS[name]
    images = run(problem, prior, samples=3, seed=4, case=2).samples
    for first in (2, 0, 1):  # in any order
        assert torch.equal(run(problem, prior, seed=4, case=2, first=first).samples[0], images[first])
    later = run(problem, prior, samples=2, seed=4, case=2, first=1).samples
    assert torch.equal(later, images[1:])
    assert not torch.equal(images[0], images[1])


@every_sampler
def test_samples_drawn_side_by_side_are_the_same(small, name: str) -> None:
    problem, prior, run = small.problem("sense"), small.prior(2), SAMPLERS[name]
    alone, pairs, together = (run(problem, prior, samples=3, together=n).samples for n in (1, 2, 3))
    torch.testing.assert_close(pairs, alone, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("changed", [{"seed": 5}, {"case": 3}])
def test_seed_and_case_change_every_sample(small, changed: dict[str, int]) -> None:
    problem, prior, run = small.problem("sense"), small.prior(2), SAMPLERS["song"]
    first = run(problem, prior, samples=2, seed=4, case=2).samples
    other = run(problem, prior, samples=2, **({"seed": 4, "case": 2} | changed)).samples
    assert not any(torch.equal(first[i], other[j]) for i in range(2) for j in range(2))


METHOD_SAMPLERS = {name: method.build(steps=4) for name, method in METHODS.items()}


def suiting(run: Sampler) -> Sampler:
    """The sampler for a prior of one kind of images, as exact priors are: without signals of other channels."""
    return replace(run, signal=run.signal.suiting(is_complex=run.signal.is_complex, channels=(run.signal.channels,)))


def ends(small, run: Sampler, forget: Callable[[State], State] = lambda state: state) -> tuple[list[Tensor], Tensor]:
    """How a run ends that goes on from each of its states, saved and read again, and how it ends in one go."""
    run = suiting(run)
    problem, prior = small.problem("sense"), small.prior(run.signal.channels, run.view.domain)

    def bound() -> Context:
        return run.bind(problem, prior).run([3, 5], seed=1)

    whole, lasts = list(bound().states()), []
    for state in whole:
        file = BytesIO()
        torch.save(asdict(forget(state)), file)
        file.seek(0)
        *_, last = bound().states(resume=State(**torch.load(file, weights_only=True)))
        assert (last.k, last.finished) == (run.grid.steps, bool(run.finish))
        lasts.append(last.x)
    return lasts, whole[-1].x


@pytest.mark.parametrize("run", [pytest.param(run, id=name) for name, run in (SAMPLERS | METHOD_SAMPLERS).items()])
def test_a_run_goes_on_from_any_of_its_states_bit_for_bit(small, run: Sampler) -> None:
    lasts, end = ends(small, run)
    assert all(torch.equal(last, end) for last in lasts)


def test_a_run_that_forgets_that_it_has_finished_ends_elsewhere(small) -> None:
    lasts, end = ends(small, METHOD_SAMPLERS["song2021"], lambda state: replace(state, finished=False))
    assert [torch.equal(last, end) for last in lasts] == [True] * (len(lasts) - 1) + [False]


def test_a_run_resumed_without_its_memory_is_another(small) -> None:
    problem, prior, run = small.problem("sense"), small.prior(2), SAMPLERS["multistep"]
    whole = list(run.bind(problem, prior).run().states())
    *_, last = run.bind(problem, prior).run().states(resume=State(whole[2].x, whole[2].k))
    assert not torch.equal(last.x, whole[-1].x)


# What it costs


def counted_calls(small, run: Sampler) -> int:
    run = suiting(run)
    prior = small.prior(run.signal.channels, run.view.domain)
    return run(small.problem("sense"), prior, samples=2, together=2).nfe


def test_nfe_is_counted_for_every_method(small) -> None:
    assert METHODS
    for method in METHODS.values():
        run = method.build(steps=5)
        assert counted_calls(small, run) == run.nfe, method.name


def test_nfe_of_the_papers() -> None:
    nfe = {name: method.build().nfe for name, method in METHODS.items()}
    assert nfe["song2021"] == 2001
    assert nfe["chung2022_real"] == 4000
    assert nfe["dds"] == 50


@pytest.mark.parametrize(
    "steps",
    [
        [ProbabilityFlow()],
        [Langevin(0.1, 3), DDIM()],
        [DDIM(), Langevin(0.1, 3)],
        [Every(2, Langevin()), DDIM()],
        [DDIM(), Every(2, Langevin())],
        [Every(3, Langevin()), ProbabilityFlow(), Every(3, Langevin())],
    ],
    ids=repr,
)
@pytest.mark.parametrize("iterations", [1, 5, 6])
@pytest.mark.parametrize("finish", [[], FINISH], ids=["", "finish"])
def test_nfe_is_counted_wherever_a_step_stands(small, steps: list[Step], iterations: int, finish: list[Step]) -> None:
    run = Sampler(VE(0.1, 4), Geometric(iterations), steps, TwoChannel(), finish=finish)
    assert counted_calls(small, run) == run.nfe


def test_progress_and_levels_are_reported(small) -> None:
    heard: list[tuple[int, int]] = []
    posterior = SAMPLERS["dds"](
        small.problem("fourier"), small.prior(2), samples=2, progress=lambda done, whole: heard.append((done, whole))
    )
    assert heard == [(n, 8) for n in [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]]
    assert list(posterior.sigmas) == sorted(posterior.sigmas, reverse=True)
    assert posterior.sigmas[-1] == 0
    assert len(posterior.sigmas) == 5


# Units


def knowing(prior: GaussianPrior) -> GaussianPrior:
    """The same, of images whose largest magnitudes are about one."""
    prior.intensity = Intensity(90.0, 1.0)
    return prior


@every_sampler
def test_units_of_the_measurement_are_those_of_the_result(small, name: str) -> None:
    problem, prior = small.problem("sense"), knowing(small.prior(2))
    image = SAMPLERS[name](problem, prior).samples
    louder = Problem(problem.operator, 8 * problem.y, 8 * problem.noise_std)
    assert torch.equal(SAMPLERS[name](louder, prior).samples, 8 * image)


def test_units_matter_to_a_prior_that_knows_no_intensity(small) -> None:
    problem, run = small.problem("sense"), SAMPLERS["dds"]
    posterior = run(problem, small.prior(2))
    louder = run(Problem(problem.operator, 8 * problem.y, 8 * problem.noise_std), small.prior(2))
    assert posterior.scale == louder.scale == 1
    assert not torch.allclose(louder.samples, 8 * posterior.samples, rtol=0.1)


def test_a_scale_that_is_given_is_honoured(small) -> None:
    problem, prior, run = small.problem("sense"), small.prior(2), SAMPLERS["dds"]
    scaled = run(replace(problem, scale=4.0), prior)
    quieter = run(Problem(problem.operator, problem.y / 4, problem.noise_std / 4), prior)
    assert scaled.scale == 4
    assert torch.equal(scaled.samples, 4 * quieter.samples)
    assert run(replace(problem, scale=4.0), knowing(small.prior(2))).scale == 4


def test_noise_of_the_data_is_scaled_with_them(small) -> None:
    bound = SAMPLERS["dds"].bind(replace(small.problem("sense", noise_std=0.2), scale=4.0), small.prior(2))
    assert bound.noise_std == pytest.approx(0.05)


def test_an_image_of_nothing_has_no_scale(small) -> None:
    prior = small.prior(2)
    prior.intensity = Intensity(50.0, 1.0)
    y = torch.zeros(4, 4, dtype=torch.complex128)
    y[1, 1] = 1
    with pytest.raises(InputError, match=r"Give Problem\(scale=...\)"):
        SAMPLERS["dds"](Problem(denoising((4, 4)), y), prior)


@pytest.mark.parametrize("kind", [torch.complex64, torch.complex128])
@every_sampler
def test_the_precision_of_the_measurement_is_kept(small, name: str, kind: torch.dtype) -> None:
    problem = small.problem("sense")
    problem = Problem(problem.operator, problem.y.to(kind), problem.noise_std)
    posterior = SAMPLERS[name](problem, small.prior(2))
    assert posterior.samples.dtype == kind


def test_no_graph_is_kept(small) -> None:
    problem = small.problem("sense")
    problem = Problem(problem.operator, problem.y.requires_grad_(), problem.noise_std)
    posterior = SAMPLERS["song"](problem, small.prior(2))
    assert not posterior.samples.requires_grad
    assert all(not state.x.requires_grad for state in SAMPLERS["dds"].bind(problem, small.prior(2)).run().states())
    assert torch.is_grad_enabled()


# Now and then, late, where nothing was measured


class Counting(Step):
    def __init__(self) -> None:
        self.levels: list[int] = []

    def __call__(self, state: State, context: object) -> State:
        self.levels.append(state.k)
        return state


@pytest.mark.parametrize(("m", "before", "after"), [(1, [0, 1, 2, 3, 4], [1, 2, 3, 4, 5]), (2, [0, 2, 4], [2, 4])])
def test_every(small, m: int, before: list[int], after: list[int]) -> None:
    first, second = Counting(), Counting()
    run = Sampler(VE(0.1, 4), Geometric(5), [Every(m, first), DDIM(), Every(m, second)], TwoChannel())
    run(small.problem("fourier"), small.prior(2))
    assert first.levels == before
    assert second.levels == after


@pytest.mark.parametrize("around", [lambda step: Every(3, step), lambda step: FromNoise((step,))])
def test_what_a_part_inside_of_another_needs_is_asked_for(small, around: Callable[[Step], Part]) -> None:
    class Needy(Counting):
        needs = frozenset({"noise_std"})

    wrapped = around(Needy())
    start, steps = (FromNoise(), [wrapped]) if isinstance(wrapped, Step) else (wrapped, [])
    run = Sampler(VE(0.1, 4), Geometric(3), [DDIM(), *steps], TwoChannel(), start=start)
    with pytest.raises(InputError, match="Needy needs the noise level"):
        run.bind(replace(small.problem("fourier"), noise_std=None), small.prior(2))


@pytest.mark.parametrize("sigma", [4.0, 1.0, 0.5, 0.1])
def test_a_late_start_is_the_first_level_that_is_low_enough(small, sigma: float) -> None:
    run = Sampler(VE(0.1, 4), Geometric(8), [DDIM()], TwoChannel(), start=LateStart(sigma))
    context = run.bind(small.problem("fourier"), small.prior(2)).run()
    first, *_ = context.states()
    level = context.levels.sigma(first.k)
    assert level <= sigma * (1 + 1e-6)
    assert first.k == 0 or context.levels.sigma(first.k - 1) > sigma
    posterior = run(small.problem("fourier"), small.prior(2))
    assert posterior.nfe == 8 - first.k
    assert posterior.sigmas[0] == level


def test_a_late_start_is_the_noised_image(small) -> None:
    """alpha x + beta z, from the zero-filled, a least-squares or a given image, in the prior's units."""
    vp, image = Sampler(VP(), DiscreteVP(20), [DDIM()], TwoChannel()), small.normal((4, 4), torch.complex128)
    problem = replace(small.problem("sense"), initial=2 * image, scale=2.0)
    begun = {
        "zero-filled": problem.operator.H(problem.y) / 2,
        "least-squares": problem.least_squares() / 2,
        "initial": image,
    }
    for name, expected in begun.items():
        run = replace(vp, start=LateStart(1.0, image=name))
        context = run.bind(problem, small.prior(2)).run(range(500))
        first, *_ = context.states()
        alpha, beta = context.levels.alpha[first.k], context.levels.beta[first.k]
        noise = torch.view_as_real((first.x - alpha * expected) / beta)
        assert noise.mean().abs() < 5 / noise.numel() ** 0.5
        assert noise.square().mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (LateStart(0.09), r"lowest level has sigma 0\.1, so nothing is left to do from sigma=0\.09"),
        (LateStart(0.0), "nothing is left to do"),
        (LateStart(time=0.0), "nothing is left to do from time=0"),
        (LateStart(1.0, image="initial"), r"give Problem\(initial=...\)"),
    ],
)
def test_late_starts_that_make_no_sense_are_refused(small, start: LateStart, words: str) -> None:
    run = Sampler(VE(0.1, 4), Uniform(8), [DDIM()], TwoChannel(), start=start)
    with pytest.raises(InputError, match=words):
        run.bind(small.problem("fourier"), small.prior(2))


@pytest.mark.parametrize("make", [LateStart, lambda: LateStart(0.5, 0.5), lambda: LateStart(time=1.5)])
def test_a_late_start_is_at_one_level_that_there_is(make: Callable[[], LateStart]) -> None:
    with pytest.raises(
        InputError, match=r"give one of sigma and time|time is the SDE's time to start at, from 0 to 1, but got 1\.5"
    ):
        make()


@pytest.mark.parametrize("time", [1.0, 0.5, 0.2])
def test_a_late_start_in_time_takes_the_levels_of_the_whole_grid_from_there_on(small, time: float) -> None:
    run = Sampler(VE(0.1, 4), Uniform(10), [DDIM()], TwoChannel(), start=LateStart(time=time))
    context = run.bind(small.problem("fourier"), small.prior(2)).run()
    ks = [state.k for state in context.states()]
    assert context.levels == Uniform(10).levels(VE(0.1, 4))
    assert ks == [*range(ks[0], 11)]
    assert [t <= time + 1e-9 for t in context.levels.time] == [k >= ks[0] for k in range(10)]
    assert run.nfe == 10 - ks[0]


@pytest.mark.parametrize(
    ("initial", "words"),
    [(torch.ones(4, 5), r"initial image has shape \(4, 5\)"), (torch.full((4, 4), float("nan")), "NaN")],
)
def test_initial_images_of_another_shape_or_without_numbers_are_refused(small, initial: Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(small.problem("fourier"), initial=initial)


def test_uniform_starts_lie_between_zero_and_one(small) -> None:
    run = Sampler(VE(0.1, 4), Geometric(3), [DDIM()], TwoChannel(), start=FromUniform())
    first, *_ = run.bind(small.problem("fourier"), small.prior(2)).run(range(500)).states()
    numbers = torch.view_as_real(first.x)
    assert numbers.min() > 0
    assert numbers.max() < 1
    assert numbers.mean() == pytest.approx(1 / 2, abs=0.02)
    assert numbers.std() == pytest.approx(12**-0.5, abs=0.02)


@pytest.mark.parametrize(
    ("steps", "finish", "words"),
    [
        ([Tweedie(), DDIM()], [], "Tweedie makes sense in the finish"),
        ([DDIM(), Every(2, Tweedie())], [], "Every makes sense in the finish"),
        ([Lagging(Langevin()), DDIM()], [], "Lagging makes sense in the steps after the predictor"),
    ],
)
def test_steps_in_places_where_they_make_no_sense_are_refused(
    steps: list[Step], finish: list[Step], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        Sampler(VE(), Geometric(3), steps, TwoChannel(), finish=finish)


def test_the_first_state_is_noise_of_the_highest_level(small) -> None:
    run = Sampler(VE(0.1, 4), Geometric(3), [DDIM()], TwoChannel(), start=FromNoise())
    first, *_ = run.bind(small.problem("fourier"), small.prior(2)).run(range(500)).states()
    assert torch.view_as_real(first.x).std() == pytest.approx(4, rel=0.05)


def test_the_image_is_zero_where_no_coil_sees_it(small) -> None:
    maps = small.normal((2, 4, 4), torch.complex128)
    maps[:, 1, 2] = 0
    operator = sense(torch.ones(4, 4, dtype=torch.bool), maps / maps.abs().square().sum(0).sqrt().max())
    problem = Problem(operator, small.normal(operator.codomain_shape, torch.complex128), 0.1)
    images = SAMPLERS["dds"](problem, small.prior(2), samples=2).samples
    assert torch.all(images[:, 1, 2] == 0)
    assert torch.all(images[:, 0] != 0)


# What it returns


def test_mean_and_deviation_of_samples(small) -> None:
    posterior = SAMPLERS["dds"](small.problem("fourier"), small.prior(2), samples=4)
    images = posterior.samples.numpy()
    torch.testing.assert_close(posterior.mean, torch.from_numpy(images.mean(0)))
    torch.testing.assert_close(posterior.std, torch.from_numpy(images.std(0, ddof=1)))
    assert not posterior.std.is_complex()
    assert torch.equal(replace(posterior, samples=posterior.samples[:1]).std, torch.zeros(4, 4).double())


@pytest.mark.parametrize("steps", [[EulerMaruyama()], [Ancestral()]], ids=repr)
def test_real_states_give_real_images(small, steps: list[Step]) -> None:
    run = Sampler(VE(0.1, 4), Uniform(4), steps, RealImage())
    for kind in (torch.float64, torch.complex128):
        assert run(small.problem("inpainting", kind), small.prior(1)).samples.dtype == torch.float64
