import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    VE,
    AnnealedLikelihood,
    Geometric,
    GradientConsistency,
    Langevin,
    MagnitudePhase,
    Problem,
    RealImage,
    Sampler,
    Signal,
    SplitComplex,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.operators import Fourier, LinearOperator, RealPart, fourier, inpainting
from invdiff.priors import GaussianPrior, Prior

SIGNALS: list[Signal] = [RealImage(), SplitComplex(), TwoChannel()]
every_signal = pytest.mark.parametrize("signal", SIGNALS, ids=repr)
shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))


def kind_of(signal: Signal) -> torch.dtype:
    return torch.complex64 if signal.is_complex else torch.float32


@every_signal
@settings(max_examples=25)
@given(shape=shapes, sets=st.integers(0, 2), seed=st.integers(0, 99))
def test_decode_undoes_encode(small, signal: Signal, shape: tuple[int, ...], sets: int, seed: int) -> None:
    samples, *image = shape
    shape = (samples, sets, *image) if sets else shape
    x = small.normal(shape, kind_of(signal), seed)
    seen = signal.encode(x)
    assert seen.shape[1:] == (signal.channels, *image)
    assert seen.dtype == torch.float32
    assert seen.numel() == x.numel() * (2 if signal.is_complex else 1)
    assert torch.equal(signal.decode(seen, x.shape), x)


@settings(max_examples=25)
@given(shape=shapes, seed=st.integers(0, 99))
def test_what_the_network_sees(small, shape: tuple[int, ...], seed: int) -> None:
    """Split: real part and imaginary part of sample 0, then of sample 1. Two channels: both parts side by side."""
    x = small.normal(shape, torch.complex64, seed)
    parts = [part for sample in x for part in (sample.real, sample.imag)]
    assert torch.equal(SplitComplex().encode(x)[:, 0], torch.stack(parts))
    assert torch.equal(TwoChannel().encode(x), torch.stack([x.real, x.imag], 1))


class OneImageAtATime(Prior):
    """A network that tells the order in which it sees images: it adds 0, 1, 2, .. to them."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x + torch.arange(len(x), dtype=x.dtype)[:, None, None, None]


def test_split_keeps_a_sample_s_parts_together(small) -> None:
    x = small.normal((2, 3, 3), torch.complex64)
    split = SplitComplex()
    seen = split.decode(OneImageAtATime().denoise(split.encode(x), 1.0), x.shape) - x
    torch.testing.assert_close(seen[:, 0, 0], torch.tensor([0 + 1j, 2 + 3j]), rtol=1e-5, atol=1e-5)


def independent(mean: Tensor, covariance: Tensor) -> tuple[GaussianPrior, GaussianPrior]:
    """The same belief about one part, and about both."""
    both = torch.block_diag(covariance, covariance)
    return GaussianPrior(mean, covariance), GaussianPrior(torch.cat([mean, mean]), both)


@pytest.mark.parametrize("name", ["fourier", "sense", "inpainting"])
def test_split_and_two_channels_agree_where_the_parts_are_independent(small, name: str) -> None:
    one = small.prior(1)
    single, double = independent(one.mean, one.covariance)
    made = [
        Sampler(VE(0.1, 4), Geometric(4), [DDIM(0.5)], signal)(small.problem(name), prior, samples=2).samples
        for signal, prior in [(SplitComplex(), single), (TwoChannel(), double)]
    ]
    torch.testing.assert_close(*made, rtol=1e-9, atol=1e-9)


def test_they_differ_where_the_parts_are_not(small) -> None:
    one, mixed = small.prior(1), torch.tensor([[1.0, 0.9], [0.9, 1.0]], dtype=torch.float64)
    correlated = GaussianPrior(torch.cat([one.mean, one.mean]), torch.kron(mixed, one.covariance))
    made = [
        Sampler(VE(0.1, 4), Geometric(4), [DDIM(0.5)], signal)(small.problem("fourier"), prior).samples
        for signal, prior in [(SplitComplex(), one), (TwoChannel(), correlated)]
    ]
    assert not torch.allclose(*made, rtol=1e-2)


def bound(signal: Signal, problem: Problem, prior: Prior):
    return Sampler(VE(0.1, 4), Geometric(4), [DDIM()], signal).bind(problem, prior).run()


def test_real_images_meet_complex_data_through_the_real_part(small) -> None:
    problem = small.problem("fourier")
    context = bound(RealImage(), problem, small.prior(1))
    x = small.normal((4, 4), torch.float64)
    expected = problem.operator @ RealPart((4, 4)).H
    assert context.operator.real_domain
    assert repr(context.operator) == repr(expected)
    torch.testing.assert_close(context.operator(x), problem.operator(x.to(torch.complex128)))
    torch.testing.assert_close(context.adjoint_y, problem.operator.H(problem.y).real)
    assert not context.adjoint_y.is_complex()


@pytest.mark.parametrize("signal", [SplitComplex(), TwoChannel()], ids=repr)
def test_complex_states_see_real_data_as_complex(small, signal: Signal) -> None:
    context = bound(signal, small.problem("inpainting", torch.float64), small.prior(signal.channels))
    assert context.y.dtype == torch.complex128
    assert context.adjoint_y.dtype == torch.complex128


def test_real_states_keep_real_data_real(small) -> None:
    problem = small.problem("inpainting", torch.float64)
    context = bound(RealImage(), problem, small.prior(1))
    assert context.operator is problem.operator
    assert not context.y.is_complex()


def test_real_measurements_of_a_complex_operator_are_refused(small) -> None:
    operator = fourier(torch.ones(4, 4, dtype=torch.bool))
    with pytest.raises(InputError, match="makes complex measurements but y is real"):
        bound(RealImage(), Problem(operator, torch.ones(16)), small.prior(1))


@pytest.mark.parametrize("name", ["fourier", "sense", "inpainting"])
@settings(max_examples=10)
@given(seed=st.integers(0, 99), scale=st.sampled_from([1.0, 2.0, -0.5]))
def test_a_problem_of_a_real_image_is_taken_as_it_is(small, name: str, seed: int, scale: float) -> None:
    """``A @ RealPart.H`` is what RealImage makes of A."""
    operator = scale * small.operators[name]
    y = operator(small.normal((4, 4), torch.float64, seed) + 0j)
    run = Sampler(VE(0.1, 4), Geometric(4), [DDIM(0.5), GradientConsistency(0.9)], RealImage())
    expected = run(Problem(operator, y), small.prior(1)).samples
    of_real = Problem(operator @ RealPart((4, 4)).H, y)
    assert (bound(RealImage(), of_real, small.prior(1)).operator is of_real.operator) == (abs(scale) == 1)
    torch.testing.assert_close(run(of_real, small.prior(1)).samples, expected)
    other = run(Problem(of_real.operator, 2 * y), small.prior(1)).samples
    assert not torch.allclose(other, expected, rtol=1e-3)


@pytest.mark.parametrize("signal", [SplitComplex(), TwoChannel(), MagnitudePhase()], ids=repr)
def test_complex_states_of_real_images_are_refused(small, signal: Signal) -> None:
    operator = small.operators["fourier"] @ RealPart((4, 4)).H
    with pytest.raises(InputError, match=r"takes real images but states of .* are complex; use RealImage"):
        bound(signal, Problem(operator, small.problem("fourier").y), small.prior(signal.channels))


@pytest.mark.parametrize("signal", [RealImage(), TwoChannel()], ids=repr)
def test_real_measurements_of_complex_images(small, signal: Signal) -> None:
    """Of Re F, whose measurements are real by definition, so of a real state too."""
    operator = RealPart((4, 4)) @ Fourier((4, 4))
    y = operator(small.normal((4, 4), torch.complex128))
    context = bound(signal, Problem(operator, y), small.prior(signal.channels))
    x = small.normal((4, 4), kind_of(signal)).to(torch.complex128 if signal.is_complex else torch.float64)
    assert not context.y.is_complex()
    assert context.adjoint_y.is_complex() == signal.is_complex
    torch.testing.assert_close(context.operator(x), operator(x + 0j))
    run = Sampler(VE(0.1, 4), Geometric(4), [DDIM(0.5), GradientConsistency(1.0)], signal)
    image = run(Problem(operator, y), small.prior(signal.channels)).samples[0]
    if signal.is_complex:
        torch.testing.assert_close(operator(image), y)


class Blur(LinearOperator):
    """Keeps real arrays real, without saying so."""

    domain_shape = codomain_shape = (4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return (x + x.roll(1, -1) + x.roll(-1, -1)) / 3

    adjoint = forward


class RealBlur(Blur):
    preserves_reals = True


def test_the_refusal_of_real_measurements_names_what_admits_them(small) -> None:
    y = small.normal((4, 4), torch.float64)
    with pytest.raises(InputError, match="preserves_reals = True"):
        bound(RealImage(), Problem(Blur(), y), small.prior(1))
    assert bound(RealImage(), Problem(RealBlur(), y), small.prior(1)).y is not None


@pytest.mark.parametrize(("signal", "channels"), [(RealImage(), 2), (SplitComplex(), 2), (TwoChannel(), 1)])
def test_a_network_with_other_channels_is_refused(small, signal: Signal, channels: int) -> None:
    problem = Problem(inpainting(torch.ones(4, 4, dtype=torch.bool)), torch.ones(16))
    with pytest.raises(InputError, match=rf"{type(signal).__name__} shows the network {signal.channels} channel"):
        bound(signal, problem, small.prior(channels))


# Magnitude and phase


@settings(max_examples=25)
@given(shape=shapes, sets=st.integers(0, 2), seed=st.integers(0, 99))
def test_magnitude_and_phase_come_back(small, shape: tuple[int, ...], sets: int, seed: int) -> None:
    samples, *image = shape
    shape = (samples, sets, *image) if sets else shape
    x = small.normal(shape, torch.complex128, seed)
    seen = MagnitudePhase().encode(x)
    assert seen.shape == (2 * x.numel() // math.prod(image), 1, *image)
    torch.testing.assert_close(MagnitudePhase().decode(seen, x.shape), x, rtol=1e-12, atol=1e-12)
    both = seen.reshape(*shape[:-2], 2, *image)
    torch.testing.assert_close(both.select(-3, 0), x.abs())
    assert both.select(-3, 1).min() >= 0
    assert both.select(-3, 1).max() <= 1


@pytest.mark.parametrize(("value", "phase"), [(2, 0.5), (2j, 0.75), (-2j, 0.25), (2 * (-1 + 1e-9j), 1.0), (0, 0.5)])
def test_phase_is_a_fraction_of_a_turn(value: complex, phase: float) -> None:
    seen = MagnitudePhase().encode(torch.full((1, 1, 1), value, dtype=torch.complex128))
    torch.testing.assert_close(seen.flatten(), torch.tensor([abs(value), phase], dtype=torch.float64))


@pytest.mark.parametrize("signal", [*SIGNALS, MagnitudePhase()], ids=repr)
def test_all_signals_but_magnitude_and_phase_are_linear(small, signal: Signal) -> None:
    x, y = (small.normal((2, 3, 3), kind_of(signal), seed) for seed in (0, 1))
    is_additive = torch.allclose(signal.encode(x + y), signal.encode(x) + signal.encode(y), rtol=1e-3)
    assert is_additive == signal.is_linear == ("density" in signal.offers)


def test_magnitude_and_phase_are_denoised_each_by_the_network(small) -> None:
    """The score is Tweedie's of that denoiser, and no score of the network."""
    prior, x = small.prior(1), small.normal((2, 4, 4), torch.complex128)
    context = bound(MagnitudePhase(), small.problem("fourier"), prior)
    beta = context.levels.beta[2]
    parts = [prior.denoise(part[:, None], beta)[:, 0] for part in (x.abs(), x.angle() / (2 * math.pi) + 0.5)]
    clean = parts[0] * torch.exp(2j * math.pi * (parts[1] - 0.5))
    torch.testing.assert_close(context.estimate(x, 2).mean, clean)
    torch.testing.assert_close(context.score(x, 2), (clean - x) / beta**2)


def test_magnitude_and_phase_have_no_likelihood_score(small) -> None:
    sampler = Sampler(VE(0.1, 4), Geometric(4), [Langevin(), DDIM()], MagnitudePhase())
    sampler.bind(small.problem("fourier"), small.prior(1))
    with pytest.raises(InputError, match=r"AnnealedLikelihood needs a signal .* MagnitudePhase's have not: use Split"):
        replace(sampler, guidance=AnnealedLikelihood()).bind(small.problem("fourier"), small.prior(1))
