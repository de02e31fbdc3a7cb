"""Signals that are drawn anew for each network call: unitary, undone, and a matter of the sample alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    VE,
    ByTurns,
    HalfQuadratic,
    Karras,
    Proximal,
    RealImage,
    Renoise,
    Sampler,
    Signal,
    SplitComplex,
    Turned,
    TwoChannel,
    WienerStart,
)
from invdiff.diffusion.noise import NoiseStream
from invdiff.diffusion.turns import Turn
from invdiff.errors import InputError
from invdiff.priors import GaussianPrior, Prior

TURNS = [
    Turn(flipped, transposed, phase)
    for flipped, transposed, phase in product([(), (-2,), (-1,), (-2, -1)], [False, True], [0.0, 2.1, -3.0])
]
BOTH = ByTurns((TwoChannel(), SplitComplex()))


# One turn


def check_unitary(turn: Turn, shape: tuple[int, ...], kind: torch.dtype, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.randn(2, *shape, dtype=kind, generator=generator)
    turned = turn(x)
    assert turned.dtype == kind
    torch.testing.assert_close(turn.back(turned), x)
    torch.testing.assert_close(turn(turn.back(turned)), turned)
    inner = torch.vdot(y.flatten(), x.flatten())
    torch.testing.assert_close(torch.vdot(turn(y).flatten(), turned.flatten()), inner)
    torch.testing.assert_close(turn(x + 2 * y), turned + 2 * turn(y))


@given(
    turn=st.sampled_from(TURNS),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    kind=st.sampled_from([torch.float64, torch.complex128]),
    seed=st.integers(0, 100),
)
def test_a_turn_is_unitary_and_undone(turn: Turn, shape: tuple[int, int], kind: torch.dtype, seed: int) -> None:
    check_unitary(turn, shape, kind, seed)


class Unlike(Turn):
    """A turn whose way back forgets something."""

    def back(self, x: Tensor) -> Tensor:
        return x.mT.flip(self.flipped)


class Louder(Turn):
    """A turn that is none."""

    def __call__(self, x: Tensor) -> Tensor:
        return 2 * super().__call__(x)

    def back(self, x: Tensor) -> Tensor:
        return super().back(x / 2)


@pytest.mark.parametrize("turn", [Unlike((-1,), True, 1.0), Louder((), False, 0.0)])
def test_what_is_no_turn_is_noticed(turn: Turn) -> None:
    with pytest.raises(AssertionError):
        check_unitary(turn, (3, 3), torch.complex128, 0)


# As they are drawn

Stream = Callable[[int, int, list[int], torch.device], NoiseStream]


def drawn_turns(
    signal: Signal,
    samples: list[int],
    shape: tuple[int, int],
    seed: int = 0,
    case: int = 0,
    stream: Stream = NoiseStream,
) -> list[tuple[Turn, ...]]:
    """The turns of every sample in each of three iterations."""
    noise = stream(seed, case, samples, torch.device("cpu"))
    found = []
    for iteration in range(3):
        noise.rewind(iteration)
        found.append(signal.drawn(noise, torch.Size((len(samples), *shape))).turns)  # type: ignore[attr-defined]
    return found


def check_turns_are_the_sample_s(stream: Stream, seed: int, case: int, samples: list[int]) -> None:
    def drawn(samples: list[int], seed: int = seed, case: int = case) -> list[tuple[Turn, ...]]:
        return drawn_turns(Turned(TwoChannel()), samples, (4, 4), seed, case, stream)

    together = drawn(samples)
    for position, sample in enumerate(samples):
        assert [turns[position] for turns in together] == [turn for (turn,) in drawn([sample])]
    every = [*together, *drawn(samples, seed + 1), *drawn(samples, seed, case + 1)]
    assert len({turn for turns in every for turn in turns}) == 9 * len(samples), "whatever differs changes the turns"


@given(seed=st.integers(0, 100), case=st.integers(0, 9), samples=st.permutations(range(5)))
def test_turns_are_those_of_seed_case_sample_and_iteration(seed: int, case: int, samples: list[int]) -> None:
    check_turns_are_the_sample_s(NoiseStream, seed, case, samples)


class OneAfterTheOther(NoiseStream):
    """Samples share the numbers of the first."""

    def draw(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return super().draw(shape, dtype)[:1].expand(len(self.samples), *shape)


class Standing(NoiseStream):
    """The same numbers in every iteration."""

    def rewind(self, iteration: int) -> None:
        super().rewind(0)


@pytest.mark.parametrize("stream", [OneAfterTheOther, Standing])
def test_turns_of_anything_else_are_noticed(stream: Stream) -> None:
    with pytest.raises(AssertionError):
        check_turns_are_the_sample_s(stream, 1, 2, [3, 0, 2])


def test_every_kind_of_turn_occurs() -> None:
    """As often as any other, the phase spread over the circle."""
    count = 2000
    turns = drawn_turns(Turned(TwoChannel()), list(range(count)), (4, 4))[0]
    for flipped, transposed in product([(), (-2,), (-1,), (-2, -1)], [False, True]):
        share = sum((turn.flipped, turn.transposed) == (flipped, transposed) for turn in turns) / count
        assert abs(share - 1 / 8) < 5 * math.sqrt(1 / 8 * 7 / 8 / count)
    phases = torch.tensor([turn.phase for turn in turns])
    for power in (1, 2, 3):  # of the circle's uniform distribution every moment is zero
        assert torch.polar(torch.ones(count), power * phases).mean().abs() < 5 / math.sqrt(count)


def test_only_square_images_are_transposed_and_only_complex_ones_get_a_phase() -> None:
    oblong = drawn_turns(Turned(TwoChannel()), list(range(50)), (4, 5))[0]
    assert not any(turn.transposed for turn in oblong)
    assert any(turn.flipped for turn in oblong)
    real = drawn_turns(Turned(RealImage()), list(range(50)), (4, 4))[0]
    assert {turn.phase for turn in real} == {0.0}
    assert any(turn.transposed for turn in real)


def test_signals_take_turns_iteration_by_iteration() -> None:
    noise = NoiseStream(0, 0, [0], torch.device("cpu"))
    seen = []
    for iteration in range(5):
        noise.rewind(iteration)
        seen.append(BOTH.drawn(noise, torch.Size((1, 4, 4))))
    assert seen == [TwoChannel(), SplitComplex(), TwoChannel(), SplitComplex(), TwoChannel()]


@pytest.mark.parametrize("signals", [(), (TwoChannel(), RealImage())])
def test_turns_of_images_of_two_kinds_are_refused(signals: tuple[Signal, ...]) -> None:
    with pytest.raises(InputError, match="ByTurns takes signals that are all of complex images, or all of real ones"):
        ByTurns(signals)


@pytest.mark.parametrize(
    ("is_complex", "channels", "expected"),
    [
        (True, (1, 2), Turned(BOTH)),
        (True, (1,), Turned(SplitComplex())),
        (True, (2,), Turned(TwoChannel())),
        (False, (1, 2), Turned(RealImage())),
    ],
)
def test_of_the_signals_those_that_suit_are_left(is_complex: bool, channels: tuple[int, ...], expected: Signal) -> None:
    assert Turned(BOTH).suiting(is_complex=is_complex, channels=channels) == expected


@pytest.mark.parametrize(
    ("channels", "expected"), [((1, 2), BOTH), ((1,), ByTurns((SplitComplex(),))), ((2,), ByTurns((TwoChannel(),)))]
)
def test_of_several_signals_a_prior_is_shown_those_that_it_takes(channels: tuple[int, ...], expected: Signal) -> None:
    prior = Shrinking()
    prior.channels = channels
    assert BOTH.for_prior(prior) == expected
    assert Turned(BOTH).for_prior(prior) == Turned(expected)


# In a run


@dataclass
class Shrinking(Prior):
    """A denoiser that commutes with every turn."""

    channels = (1, 2)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x / (1 + sigma**2)


def run(signal: Signal) -> Sampler:
    return Sampler(VE(), Karras(4, 2.0, 0.05), [Renoise(0.7)], signal, guidance=Proximal(2.0))


@pytest.mark.parametrize("name", ["fourier", "sense", "inpainting"])
@pytest.mark.parametrize("signal", [TwoChannel(), SplitComplex(), BOTH], ids=repr)
def test_a_denoiser_that_commutes_with_turns_gives_the_unturned_result(small, name: str, signal: Signal) -> None:
    problem = small.problem(name)
    guided = replace(run(signal), steps=[HalfQuadratic()])
    plain = guided(problem, Shrinking(), samples=2).samples
    turned = replace(guided, signal=Turned(signal))(problem, Shrinking(), samples=2).samples
    torch.testing.assert_close(turned, plain, rtol=1e-9, atol=1e-9)


class Unaware(GaussianPrior):
    """One that is shown turned images, as a network is."""

    is_oriented = False


def plain_and_turned(small, kind: type[GaussianPrior]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    prior = kind(torch.randn(2, 4, 4, generator=generator), torch.rand(2, 4, 4, generator=generator))
    guided = replace(run(TwoChannel()), steps=[HalfQuadratic()], start=WienerStart())
    return [
        replace(guided, signal=signal)(small.problem("fourier"), prior, samples=2).samples
        for signal in (TwoChannel(), Turned(TwoChannel()))
    ]


def test_a_prior_to_which_turned_images_are_others_is_shown_none(small) -> None:
    plain, turned = plain_and_turned(small, GaussianPrior)
    assert torch.equal(turned, plain)


def test_a_denoiser_that_does_not_commute_gives_another(small) -> None:
    plain, turned = plain_and_turned(small, Unaware)
    assert torch.equal(plain[0], plain[1])
    assert not torch.allclose(turned[0], turned[1])
    assert not torch.allclose(turned, plain)


def shown_turned(small, channels: int) -> Prior:
    prior = small.prior(channels)
    prior.is_oriented = False
    return prior


@pytest.mark.parametrize("signal", [Turned(TwoChannel()), Turned(SplitComplex())], ids=repr)
def test_a_turned_sample_depends_on_its_own_index_alone(small, signal: Signal) -> None:
    problem, prior = small.problem("sense"), shown_turned(small, signal.channels)
    images = run(signal)(problem, prior, samples=3, seed=4, case=2, together=3).samples
    for first in (2, 0, 1):
        alone = run(signal)(problem, prior, seed=4, case=2, first=first).samples[0]
        torch.testing.assert_close(alone, images[first], rtol=1e-9, atol=1e-9)


def ends(small, sampler: Sampler, resumed: Callable[[int], int]) -> tuple[list[Tensor], Tensor]:
    """How a run ends that goes on from each of its states as another sample's, and how it ends in one go."""
    problem, prior = small.problem("sense"), shown_turned(small, sampler.signal.channels)
    whole = list(sampler.bind(problem, prior).run([3]).states())
    lasts = [list(sampler.bind(problem, prior).run([resumed(3)]).states(resume=state))[-1].x for state in whole]
    return lasts, whole[-1].x


@pytest.mark.parametrize("signal", [Turned(TwoChannel()), Turned(SplitComplex())], ids=repr)
def test_a_run_goes_on_from_every_state_with_the_turns_that_it_had(small, signal: Signal) -> None:
    lasts, end = ends(small, run(signal), lambda sample: sample)
    assert all(torch.equal(last, end) for last in lasts)
    others, _ = ends(small, run(signal), lambda sample: sample + 1)
    assert not any(torch.equal(other, end) for other in others[:-1])
