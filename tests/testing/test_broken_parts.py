"""What contracts find: each promise, broken on purpose, is noticed by the test that is named after it."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    SDE,
    Ancestral,
    Context,
    Denoise,
    Estimate,
    Grid,
    Guidance,
    Karras,
    Levels,
    NoiseStream,
    Predictor,
    Proximal,
    Sense,
    Signal,
    State,
    Step,
    TwoChannel,
    UnsampledKspace,
    View,
)
from invdiff.operators import LinearOperator
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.testing import (
    GridContract,
    GuidanceContract,
    PredictorContract,
    PriorContract,
    SignalContract,
    StepContract,
    ViewContract,
)
from invdiff.testing.part import TwoValues

Moved = Callable[[Tensor, State, Context], Tensor]


# Steps


@dataclass(frozen=True)
class Flawed(Step):
    """Does nothing; subclasses get one thing wrong."""

    def __call__(self, state: State, context: Context) -> State:
        return state.at(self.moved(state.x, state, context))

    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x


class OfWhatIsDrawn(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x + torch.randn(x.shape)


class OfItsNeighbours(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x - 0.5 * x.mean(0)


@dataclass(frozen=True)
class Hidden(Flawed):
    memory: list[Tensor] = field(default_factory=list, repr=False)

    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        self.memory[:] = [x] if state.k == 0 or not self.memory else [x, self.memory[0]]
        return x if len(self.memory) == 1 else (x + self.memory[1]) / 2


class Uncounted(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x + 0.1 * context.score(x, state.k) if state.k < context.levels.steps else x


class Double(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x.to(torch.complex128)


class OtherShape(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x[:, None]


class InPlace(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x.mul_(0.9)


class InUnitsOfTheData(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x + 0.1 * context.problem.zero_filled


@dataclass(frozen=True)
class Addressed(Flawed):
    rule: Callable[[Tensor], Tensor] = lambda x: x


class Needy(Flawed):
    needs = frozenset({"coffee"})


class NeedsUnsaid(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x + context.known_noise_std


class Moving(Flawed):
    def __call__(self, state: State, context: Context) -> State:
        return state.at(state.x, min(state.k + 1, context.levels.steps))


class OverTheNoise(Flawed):
    def moved(self, x: Tensor, state: State, context: Context) -> Tensor:
        return x + torch.full_like(x, 1e-9) / context.levels.beta[state.k]


class Cited(Flawed):
    cites = ("nobody1900",)


@dataclass(frozen=True)
class Unpaired(Flawed):
    @property
    def inner(self) -> Any:
        return ("a part",)


class OfStep(StepContract):
    def __init__(self, step: Step) -> None:
        self._step = step

    def step(self) -> Step:
        return self._step


BROKEN_STEPS = [
    (OfWhatIsDrawn, "samples_are_reproducible", "seed 3 gives another sample"),
    (OfItsNeighbours, "a_sample_depends_on_its_own_index_alone", "side by side"),
    (Hidden, "a_run_goes_on_from_every_state", "State.memory"),
    (Uncounted, "network_calls_are_those_that_it_says", "takes 5 network calls, but it takes 10"),
    (Double, "states_keep_shape_and_kind", "is torch.complex128, and the first torch.complex64"),
    (OtherShape, "states_keep_shape_and_kind", "has shape"),
    (InPlace, "states_are_not_changed", "writes into the state"),
    (InUnitsOfTheData, "units_of_the_measurement_do_not_matter", "of 3 A x = 3 y is off"),
    (Addressed, "copies", "prints an address"),
    (Needy, "what_it_says_of_itself", "coffee, which nothing offers"),
    (Cited, "what_it_says_of_itself", "nobody1900"),
    (NeedsUnsaid, "what_it_needs_it_says", "does not say that it needs the noise_std"),
    (Moving, "a_step_stays_at_its_level", r"moves 1 level\(s\) on from level 0, and not 0"),
    (OverTheNoise, "a_step_runs_wherever_it_may_stand", "diverged"),
]


def noticed(contract: Any, test: str, words: str) -> None:
    with pytest.raises(Exception, match=words):
        getattr(contract, f"test_{test}")()


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN_STEPS)
def test_broken_steps(kind: type[Flawed], test: str, words: str) -> None:
    noticed(OfStep(kind()), test, words)


@dataclass(frozen=True)
class Staying(DDIM):
    def __call__(self, state: State, context: Context) -> State:
        return replace(super().__call__(state, context), k=state.k)


class KeepingTheRunsGraph(DDIM):
    def __call__(self, state: State, context: Context) -> State:
        made = super().__call__(state, context)
        return replace(made, x=made.x.requires_grad_())


class TooMuchNoise(Ancestral):
    def __call__(self, state: State, context: Context) -> State:
        return super().__call__(replace(state, x=state.x + 0.3 * context.noise.like(state.x)), context)


class WithDataAlone(DDIM):
    needs = frozenset({"measurement"})


class Dropped(DDIM):
    def without_data(self) -> Predictor:
        return None  # type: ignore[return-value]


class OfPredictor(OfStep, PredictorContract):
    pass


@pytest.mark.parametrize(
    ("part", "test", "words"),
    [
        (Staying(), "a_step_stays_at_its_level", r"moves 0 level\(s\) on from level 0, and not 1"),
        (KeepingTheRunsGraph(), "states_keep_shape_and_kind", "graph of a gradient"),
        (TooMuchNoise(), "many_levels_sample_the_prior", "covariance of samples by TooMuchNoise is off"),
        (WithDataAlone(), "without_data_it_moves_alike", "needs a measurement without data"),
        (Dropped(), "without_data_it_moves_alike", "is no predictor"),
    ],
)
def test_broken_predictors(part: Predictor, test: str, words: str) -> None:
    noticed(OfPredictor(part), test, words)


# Guidance


class FlawedGuidance(Proximal):
    def __call__(self, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return self.changed(super().__call__(prior, x, k, context), prior, x, k, context)

    def changed(self, made: Estimate, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return made


class AskingTwice(FlawedGuidance):
    def changed(self, made: Estimate, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return Estimate((made.mean + prior(x).mean) / 2, made.noise)


class AskingBeside(FlawedGuidance):
    def changed(self, made: Estimate, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return Estimate((made.mean + context.denoise(x, k)) / 2, made.noise)


class AShape(FlawedGuidance):
    def changed(self, made: Estimate, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return Estimate(made.mean[:1], made.noise)


class NotFinite(FlawedGuidance):
    def changed(self, made: Estimate, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return Estimate(made.mean, made.noise / 0)


class KeepingTheGraph(FlawedGuidance):
    def changed(self, made: Estimate, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        with torch.enable_grad():
            return Estimate(1.0 * made.mean.requires_grad_(), made.noise)


class Averaging(FlawedGuidance):
    def changed(self, made: Estimate, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return Estimate(made.mean - 0.1 * made.mean.mean(0), made.noise)


class Blind(FlawedGuidance):
    def __call__(self, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return prior(x)


class OfGuidance(GuidanceContract):
    def __init__(self, guidance: Guidance) -> None:
        self._guidance = guidance

    def guidance(self) -> Guidance:
        return self._guidance


@pytest.mark.parametrize(
    ("kind", "test", "words"),
    [
        (AskingTwice, "the_prior_is_asked_as_often_as_it_says", r"asks the prior 2 time\(s\)"),
        (AskingBeside, "the_prior_is_asked_as_often_as_it_says", r"asks the network 1 time\(s\) beside"),
        (AShape, "an_estimate_is_one_of_its_state", "the mean at level 0 has shape"),
        (NotFinite, "an_estimate_is_one_of_its_state", "not finite|diverged"),
        (KeepingTheGraph, "an_estimate_is_one_of_its_state", "graph of a gradient"),
        (Averaging, "an_estimate_is_one_of_its_state", "the mean of a sample alone"),
        (Blind, "it_comes_closer_to_the_data", "of the data unexplained"),
    ],
)
def test_broken_guidance(kind: type[Proximal], test: str, words: str) -> None:
    noticed(OfGuidance(kind(2.0)), test, words)


# Signals


class Conjugated(TwoChannel):
    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return super().decode(images, shape).conj()


class Single(TwoChannel):
    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return super().decode(images, shape).to(torch.complex64)


class SingleSeen(TwoChannel):
    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x).float()


class ThreeChannels(TwoChannel):
    def encode(self, x: Tensor) -> Tensor:
        seen = super().encode(x)
        return torch.cat([seen, seen[:, :1]], 1)

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return super().decode(images[:, :2], shape)


class Rolled(TwoChannel):
    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x).roll(1, 0)

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return super().decode(images.roll(-1, 0), shape)


class Louder(TwoChannel):
    def encode(self, x: Tensor) -> Tensor:
        return 2 * super().encode(x)

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return super().decode(images / 2, shape)


class Bent(TwoChannel):
    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x).sinh()

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return super().decode(images.asinh(), shape)


class TurnedByChance(TwoChannel):
    def drawn(self, noise: NoiseStream, shape: torch.Size) -> Signal:
        return Louder() if torch.rand(()) < 0.5 else TwoChannel()


class TurnedByTheFirst(TwoChannel):
    def drawn(self, noise: NoiseStream, shape: torch.Size) -> Signal:
        return Louder() if len(noise.samples) == 1 else TwoChannel()


class OtherData(TwoChannel):
    def restrict(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        return operator, 2 * y


class OtherOperator(TwoChannel):
    def restrict(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        return 2 * operator, y


class AnyPrior(TwoChannel):
    @property
    def inner(self) -> tuple[Signal, ...]:  # a signal with inner ones is not asked for its own channels
        return (RealParts(),)


class RealParts(TwoChannel):
    channels = 3


class OfSignal(SignalContract):
    def __init__(self, signal: Signal) -> None:
        self._signal = signal

    def signal(self) -> Signal:
        return self._signal


@pytest.mark.parametrize(
    ("kind", "test", "words"),
    [
        (Conjugated, "states_come_back", "the state that comes back from the network is off"),
        (Single, "states_come_back", "makes torch.complex64 of states that are torch.complex128"),
        (SingleSeen, "the_network_sees_images_of_its_channels", "shows torch.float32"),
        (ThreeChannels, "the_network_sees_images_of_its_channels", "shows 3 channels"),
        (Rolled, "the_network_sees_images_of_its_channels", "once another has changed"),
        (Louder, "noise_keeps_its_level", "noise is seen at another level"),
        (Bent, "noise_keeps_its_level", "of a sum of states is off"),
        (TurnedByChance, "what_is_drawn_is_of_seed_and_sample", "for the same seed|alone"),
        (TurnedByTheFirst, "what_is_drawn_is_of_seed_and_sample", "shows sample 2 otherwise alone"),
        (OtherData, "steps_see_the_measurement", "the data that steps see"),
        (OtherOperator, "steps_see_the_measurement", "what steps see of a state"),
        (AnyPrior, "a_prior_of_other_channels_is_refused", "is bound to a prior that takes 3 channels"),
    ],
)
def test_broken_signals(kind: type[Signal], test: str, words: str) -> None:
    torch.manual_seed(1)
    noticed(OfSignal(kind()), test, words)


# Views


class Halved(Sense):
    def state(self, image: Tensor, problem: Problem) -> Tensor:
        return image / 2


class NoWayBack(Sense):
    def image(self, x: Tensor, problem: Problem) -> Tensor:
        return x.flip(-1)


class Mixed(Sense):
    def image(self, x: Tensor, problem: Problem) -> Tensor:
        return x + (x - x[:1])


class WrongState(Sense):
    def state(self, image: Tensor, problem: Problem) -> Tensor:
        return image[None]


class NoiseOnTheData(UnsampledKspace):
    def support(self, operator: LinearOperator) -> Tensor:
        return ~super().support(operator)

    def state(self, image: Tensor, problem: Problem) -> Tensor:
        return UnsampledKspace().state(image, problem)


class NoiseElsewhere(UnsampledKspace):
    def support(self, operator: LinearOperator) -> Tensor:
        return super().support(operator)[..., :2]

    def state(self, image: Tensor, problem: Problem) -> Tensor:
        return UnsampledKspace().state(image, problem)


class OfView(ViewContract):
    def __init__(self, view: View) -> None:
        self._view = view

    def view(self) -> View:
        return self._view


@pytest.mark.parametrize(
    ("kind", "test", "words"),
    [
        (Halved, "steps_see_the_measurement", "what steps see of an image's state"),
        (WrongState, "steps_see_the_measurement", "The state that WrongState makes of an image has shape"),
        (NoWayBack, "there_is_a_way_back", "the image of an image's state is off"),
        (Mixed, "every_state_has_its_own_image", "images of several states is off"),
        (NoiseOnTheData, "noise_is_where_states_are_free", "is not zero where no noise is"),
        (NoiseElsewhere, "noise_is_where_states_are_free", "has noise on"),
    ],
)
def test_broken_views(kind: type[View], test: str, words: str) -> None:
    noticed(OfView(kind()), test, words)


# Grids


@dataclass(frozen=True)
class FlawedGrid(Karras):
    steps: int = 4
    sigma_max: float = 4.0
    sigma_min: float = 0.05

    def levels(self, sde: SDE) -> Levels:
        return self.changed(super().levels(sde))

    def changed(self, levels: Levels) -> Levels:
        return levels


class OneShort(FlawedGrid):
    def levels(self, sde: SDE) -> Levels:
        return Karras(self.steps - 1, self.sigma_max, self.sigma_min).levels(sde)


class NoisyEnd(FlawedGrid):
    def changed(self, levels: Levels) -> Levels:
        return replace(levels, beta=(*levels.beta[:-1], 0.01))


class Rising(FlawedGrid):
    def changed(self, levels: Levels) -> Levels:
        return replace(levels, beta=(*levels.beta[:-1][::-1], 0.0))


class OtherAlpha(FlawedGrid):
    def changed(self, levels: Levels) -> Levels:
        return replace(levels, alpha=(*(0.9 * alpha for alpha in levels.alpha[:-1]), 1.0))


@dataclass(frozen=True)
class Restless(FlawedGrid):
    count: Any = field(default_factory=itertools.count, repr=False)

    def levels(self, sde: SDE) -> Levels:
        return Karras(self.steps, self.sigma_max + next(self.count), self.sigma_min).levels(sde)


class FewerGivenNoise(FlawedGrid):
    def given(self, noise_std: float | None) -> Grid:
        return replace(self, steps=2)


class OfGrid(GridContract):
    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def grid(self) -> Grid:
        return self._grid


@pytest.mark.parametrize(
    ("kind", "test", "words"),
    [
        (OneShort, "it_has_its_number_of_steps", "OneShort of 4 steps has"),
        (NoisyEnd, "it_ends_at_the_clean_image", r"ends at \(alpha, beta\) = \(1.0, 0.01\)"),
        (Rising, "noise_falls", "noise rises"),
        (OtherAlpha, "levels_are_those_of_the_sde", "has alpha 1 and not 0.9"),
        (Restless, "levels_do_not_change", "other levels when it is asked again"),
        (FewerGivenNoise, "levels_do_not_change", "another number of steps once noise is known"),
        (FewerGivenNoise, "it_has_its_number_of_steps", "given noise"),
    ],
)
def test_broken_grids(kind: type[FlawedGrid], test: str, words: str) -> None:
    noticed(OfGrid(kind()), test, words)


# Priors


class Truncating(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return super().denoise(x, sigma)[..., 1:]


class AlwaysDouble(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return super().denoise(x.double(), sigma)


class Overflowing(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return super().denoise(x, sigma) + (torch.inf if sigma > 5 else 0.0)


class Normalising(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return super().denoise(x - x.mean(0), sigma)


class WithDropout(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return torch.nn.functional.dropout(super().denoise(x, sigma), 0.1)


class Overwriting(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        made = super().denoise(x, sigma).clone()
        x.zero_()
        return made * 0


class WrongScore(TwoValues):
    def score(self, x: Tensor, sigma: float) -> Tensor:
        return super().score(x, sigma) / sigma


class Amplifying(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return 2 * x + sigma


class Sigmaless(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return super().denoise(x, 0.5)


class StraightThrough(TwoValues):
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x + (super().denoise(x, sigma) - x).detach()


class Stamped(TwoValues):
    stamps = itertools.count()

    def __init__(self, domain: str = "image") -> None:
        super().__init__(domain)
        self.stamp = next(Stamped.stamps)


class Channelless(TwoValues):
    channels = ()


class Flat(TwoValues):
    data_std = 0.0


class OfPrior(PriorContract):
    def __init__(self, kind: type[Prior]) -> None:
        self._kind = kind

    def prior(self) -> Prior:
        return self._kind()


@pytest.mark.parametrize(
    ("kind", "test", "words"),
    [
        (Truncating, "answers_are_images", "has shape"),
        (AlwaysDouble, "answers_are_images", "is torch.float64, not torch.float32"),
        (Overflowing, "answers_are_images", "at sigma 10 is not finite"),
        (Normalising, "every_image_has_its_own_answer", "in a batch, against that alone"),
        (WithDropout, "answers_are_reproducible", "in two ways"),
        (Overwriting, "answers_are_reproducible", "writes into the array"),
        (WrongScore, "the_score_is_the_denoiser_s", "The score at sigma 0.01, against Tweedie's formula"),
        (Amplifying, "it_removes_noise", "is answered by"),
        (Sigmaless, "it_removes_noise", "doesn't depend on sigma"),
        (StraightThrough, "gradients_are_those_of_the_answer", "by finite differences"),
        (Stamped, "copies_are_the_same_prior", "another fingerprint once it is made anew"),
        (Channelless, "what_it_says_of_its_images", "no number of channels"),
        (Flat, "what_it_says_of_its_images", "standard deviation 0"),
    ],
)
def test_broken_priors(kind: type[Prior], test: str, words: str) -> None:
    noticed(OfPrior(kind), test, words)


def test_every_promise_is_broken_by_something() -> None:
    """Each test of each contract is named above."""
    marks = [
        (StepContract, test_broken_steps),
        (PredictorContract, test_broken_predictors),
        (GuidanceContract, test_broken_guidance),
        (SignalContract, test_broken_signals),
        (ViewContract, test_broken_views),
        (GridContract, test_broken_grids),
        (PriorContract, test_broken_priors),
    ]
    broken = {row[1] for _, test in marks for row in test.pytestmark[0].args[1]}
    promised = {name[5:] for contract, _ in marks for name in dir(contract) if name.startswith("test_")}
    assert promised - broken == set()
