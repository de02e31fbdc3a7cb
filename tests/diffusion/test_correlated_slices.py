"""Noise that is alike in neighbouring slices: of the law it had, in each of them."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    VE,
    Converged,
    Geometric,
    NoiseStream,
    Proximal,
    Sampler,
    Turned,
    TwoChannel,
    WienerStart,
)
from invdiff.diffusion.noise import Pairing, shares
from invdiff.errors import InputError
from invdiff.methods import METHODS

CPU = torch.device("cpu")
SAMPLER = Sampler(
    VE(0.1, 4), Geometric(4), [DDIM(0.7)], TwoChannel(), guidance=Proximal(2.0, Converged(1e-12)), correlated_slices=3
)
PAIRINGS: list[Pairing] = ["independent", "antithetic"]

Shares = Callable[[int, int], dict[int, float]]


def covariance(of: Shares, one: int, other: int, count: int) -> float:
    a, b = of(one, count), of(other, count)
    return sum(a[source] * b[source] for source in a.keys() & b.keys())


def check_is_a_process(of: Shares, case: int, apart: int, count: int) -> None:
    assert covariance(of, case, case, count) == pytest.approx(1, abs=1e-12)
    found = covariance(of, case, case + apart, count)
    start, end = divmod(case, count), divmod(case + apart, count)
    if end[0] == start[0] or (end[0] == start[0] + 1 and end[1] == 0):
        assert found == pytest.approx(math.cos(math.pi * apart / 2 / count), abs=1e-12)
    if apart >= 2 * count:
        assert found == 0
    assert 0 <= found <= 1 + 1e-12


@given(case=st.integers(0, 50), apart=st.integers(0, 30), count=st.integers(1, 12))
def test_variance_is_one_and_covariance_as_stated(case: int, apart: int, count: int) -> None:
    check_is_a_process(shares, case, apart, count)


def straight(case: int, count: int) -> dict[int, float]:
    """Interpolation that makes slices quieter between two of independent noise."""
    before, past = divmod(case, count)
    return {before: 1 - past / count, before + 1: past / count}


def stepwise(case: int, count: int) -> dict[int, float]:
    """The same noise in some slices, and then another."""
    return {case // count: 1.0}


@pytest.mark.parametrize("of", [straight, stepwise])
def test_other_mixtures_are_noticed(of: Shares) -> None:
    with pytest.raises(AssertionError):
        check_is_a_process(of, 7, 2, 5)


# As it is drawn


def drawn(
    case: int, count: int, *, seed: int = 0, sample: int = 0, iteration: int = 1, kind: torch.dtype = torch.float64,
    pairing: Pairing = "independent", stream: type[NoiseStream] = NoiseStream, size: int = 4,
) -> Tensor:  # fmt: skip
    noise = stream(seed, case, [sample], CPU, pairing=pairing, correlated_slices=count)
    noise.rewind(iteration)
    noise.like(torch.zeros(1, 2, dtype=kind))  # what is drawn second is mixed as what is drawn first
    return noise.like(torch.zeros(1, size, size, dtype=kind))[0]


@given(
    case=st.integers(0, 20), count=st.integers(1, 6), seed=st.integers(0, 3), sample=st.integers(0, 3),
    iteration=st.integers(0, 3), kind=st.sampled_from([torch.float32, torch.float64, torch.complex128]),
    pairing=st.sampled_from(PAIRINGS),
)  # fmt: skip
@settings(max_examples=40)
def test_noise_is_the_mixture_of_that_of_independent_slices(
    case: int, count: int, seed: int, sample: int, iteration: int, kind: torch.dtype, pairing: Pairing
) -> None:
    def of(case: int, count: int) -> Tensor:
        return drawn(case, count, seed=seed, sample=sample, iteration=iteration, kind=kind, pairing=pairing)

    expected = sum(share * of(source, 1) for source, share in shares(case, count).items())
    torch.testing.assert_close(of(case, count), expected)
    assert torch.equal(of(case * count, count), of(case, 1))


def check_numbers(stream: type[NoiseStream]) -> None:
    """Variance, and correlation with what differs in slice, sample, iteration or seed, each of 40,000 numbers."""

    def of(case: int = 5, **words: int) -> Tensor:
        return drawn(case, 4, stream=stream, size=200, **words)

    def moment(a: Tensor, b: Tensor) -> float:
        return float((a * b).mean())

    tolerance = 5 * math.sqrt(2) / 200
    assert moment(of(), of()) == pytest.approx(1, abs=tolerance)
    for case in range(5, 9):
        assert moment(of(), of(case)) == pytest.approx(math.cos(math.pi * (case - 5) / 8), abs=tolerance)
    for other in (of(13), of(sample=1), of(iteration=2), of(seed=1), of(6, sample=1), of(6, iteration=2)):
        assert abs(moment(of(), other)) < tolerance


def test_numbers_have_these_moments() -> None:
    check_numbers(NoiseStream)


class Standing(NoiseStream):
    """The same numbers in every iteration."""

    def rewind(self, iteration: int) -> None:
        super().rewind(0)


class Shared(NoiseStream):
    """The same numbers for all samples."""

    def rewind(self, iteration: int) -> None:
        self.samples = [0 for _ in self.samples]
        super().rewind(iteration)


class Apart(NoiseStream):
    """Each slice by itself."""

    def __post_init__(self) -> None:
        self.correlated_slices = 1


@pytest.mark.parametrize("stream", [Standing, Shared, Apart])
def test_other_numbers_are_noticed(stream: type[NoiseStream]) -> None:
    with pytest.raises(AssertionError):
        check_numbers(stream)


def test_turns_are_the_same_in_most_neighbouring_slices() -> None:
    def changes(count: int) -> float:
        """The share of neighbours that are turned in two ways."""
        signal, different, cases = Turned(TwoChannel()), 0, range(20)
        for iteration in range(20):
            turns = []
            for case in cases:
                noise = NoiseStream(0, case, [0], CPU, correlated_slices=count)
                noise.rewind(iteration)
                (turn,) = signal.drawn(noise, torch.Size((1, 4, 4))).turns  # type: ignore[attr-defined]
                turns.append((turn.flipped, turn.transposed))
            different += sum(one != other for one, other in pairwise(turns))
        return different / 20 / 19

    assert changes(10) == pytest.approx(1 - (1 - 1 / 20) ** 3, abs=0.07)
    assert changes(1) == pytest.approx(7 / 8, abs=0.07)


# In a run


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_a_slice_is_the_same_alone_and_in_any_order(small, pairing: Pairing) -> None:
    bound = replace(SAMPLER, noise=pairing).bind(small.problem("sense"), small.prior(2))
    whole = [bound.draw(3, case=case).samples for case in range(5)]
    for case in (4, 0, 2):
        assert torch.equal(bound.draw(range(1, 3), case=case).samples, whole[case][1:])
    assert not torch.allclose(whole[1], whole[2])


def check_law_of_every_slice(small, of: Sampler) -> None:
    """A run is c + R z for its noise z: where z is of covariance one, the image has the law of independent slices."""
    problem, prior = small.problem("sense"), small.prior(2)
    prior.is_oriented = False
    mean = replace(of, noise="antithetic")(problem, prior, samples=2).mean

    def parts(count: int, case: int) -> Tensor:
        return replace(of, correlated_slices=count)(problem, prior, case=case, samples=2).samples - mean

    for case in range(7):
        expected = sum(share * parts(1, source) for source, share in shares(case, 3).items())
        torch.testing.assert_close(parts(3, case), expected, rtol=1e-8, atol=1e-8)


def test_every_slice_has_the_law_that_it_had(small) -> None:
    check_law_of_every_slice(small, SAMPLER)


def test_a_run_that_is_not_affine_in_its_noise_is_noticed(small) -> None:
    with pytest.raises(AssertionError):
        check_law_of_every_slice(small, replace(SAMPLER, signal=Turned(TwoChannel()), start=WienerStart()))


# As an option


@pytest.mark.parametrize("name", METHODS)
def test_it_is_an_option_of_every_method(name: str) -> None:
    made = METHODS[name].with_settings({"correlated_slices": "4", "noise": "antithetic"})
    assert (made.correlated_slices, made.noise) == (4, "antithetic")
    assert METHODS[name].build().correlated_slices == 1


def test_what_is_no_number_of_slices_is_refused() -> None:
    for make in (
        lambda: replace(SAMPLER, correlated_slices=0),
        lambda: NoiseStream(0, 0, [0], CPU, correlated_slices=-1),
        lambda: METHODS["fast"].with_settings({"correlated_slices": "0"}),
    ):
        with pytest.raises(InputError, match="correlated_slices is at least 1"):
            make()
    with pytest.raises(InputError, match=r"correlated_slices takes a value of type int, which '2.5' is not"):
        METHODS["fast"].with_settings({"correlated_slices": "2.5"})
