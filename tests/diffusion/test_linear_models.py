"""Frames in a subspace, off-resonance and noise of each sample's own level, through every method and part."""

import math
from collections.abc import Callable
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import Problem, Sense, Soss, TwoChannel
from invdiff.errors import InputError
from invdiff.methods import METHODS
from invdiff.operators import (
    Basis,
    Circulant,
    Diagonal,
    Fourier,
    LinearOperator,
    RealPart,
    SenseGram,
    Sensitivities,
    Subsample,
    denoising,
    fourier,
    lift,
    off_resonance,
    sense,
    subspace,
    without_structure,
)
from invdiff.priors import GaussianPrior
from invdiff.testing import dense

SIDE, COILS, FRAMES, COEFFICIENTS = 8, 3, 4, 2
SHAPE = (SIDE, SIDE)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


def sampled(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) < 0.6


MAPS = normal(COILS, *SHAPE, seed=2)
MAPS = MAPS / torch.linalg.vector_norm(MAPS, dim=0)
BASIS = torch.linalg.qr(normal(FRAMES, COEFFICIENTS, seed=3)).Q
FIELD = torch.linspace(-60, 60, SIDE, dtype=torch.float64).expand(SHAPE).contiguous()
TIMES = torch.linspace(0, 0.01, SIDE, dtype=torch.float64)
ALONG = torch.linspace(1, 3, SIDE, dtype=torch.float64)
"""Noise along the readout."""


# Noise of each sample's own level


OPERATORS: dict[str, LinearOperator] = {
    "denoising": denoising((2, 3)),
    "real images": RealPart((2, 3)) @ Diagonal(normal(2, 3)) @ RealPart((2, 3)).H,
    "one coil": fourier(sampled(2, 3)),
    "coils": sense(sampled(2, 3), MAPS[:, :2, :3]),
    "coil by coil": lift((2,), fourier(sampled(2, 3))),
    "two map sets": sense(sampled(2, 3), torch.stack([MAPS, MAPS.flip(0)])[..., :2, :3]),
    "subspace": subspace(sampled(4, 2, 3), MAPS[:2, :2, :3], BASIS),
    "subspace of one coil": Subsample(sampled(4, 2, 3)) @ Basis(BASIS, (2, 3)) @ Fourier((2, 3)),
}


def measured(operator: LinearOperator, seed: int = 0) -> Problem:
    y = normal(*operator.codomain_shape, seed=seed)
    return Problem(operator, y.real.contiguous() if operator.real_codomain else y, noise_std=0.1)


def check_whitened(problem: Problem, std: Tensor, made: Problem) -> None:
    """What data tell of an image is AᴴC⁻¹A and AᴴC⁻¹y, in its noise's own units, however the gram is computed."""
    A, each = without_structure(problem.operator), Diagonal(1 / std.double().expand(problem.y.shape) ** 2)
    assert made.noise_std == pytest.approx(float(std.min()))
    unit = made.noise_std**2
    expected = dense(A.H @ without_structure(each) @ A)
    torch.testing.assert_close(dense(made.operator.gram) / unit, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(made.zero_filled / unit, A.H(each(problem.y)), rtol=1e-9, atol=1e-9)


@st.composite
def levels(draw: st.DrawFn, shape: tuple[int, ...]) -> Tensor:
    """Standard deviations that broadcast to a measurement's shape."""
    kept = shape[draw(st.integers(0, len(shape))) :]
    lengths = tuple(n if draw(st.booleans()) else 1 for n in kept)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    return 0.1 + 5 * torch.rand(lengths, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("name", OPERATORS)
@given(data=st.data(), seed=st.integers(0, 100))
@settings(max_examples=12)
def test_the_likelihood_is_that_of_the_noise(name: str, data: st.DataObject, seed: int) -> None:
    problem = measured(OPERATORS[name], seed)
    std = data.draw(levels(tuple(problem.y.shape)))
    check_whitened(problem, std, problem.whitened(std))


@pytest.mark.parametrize("broken", [lambda p, s: p, lambda p, s: p.whitened(s**2), lambda p, s: p.whitened(1 / s)])
def test_another_likelihood_is_noticed(broken: Callable[[Problem, Tensor], Problem]) -> None:
    problem, std = measured(OPERATORS["coils"]), torch.linspace(0.1, 1, int(sampled(2, 3).sum()), dtype=torch.float64)
    with pytest.raises(AssertionError):
        check_whitened(problem, std, broken(problem, std))


def test_white_noise_stays_as_it_is() -> None:
    problem = measured(OPERATORS["coils"])
    made = problem.whitened(torch.tensor(0.3))
    assert torch.equal(made.y, problem.y)
    assert (made.noise_std, made.scale) == (pytest.approx(0.3), None)


def test_grams_stay_convolutions() -> None:
    """One where the noise of coils is alike, along the readout alone where it varies there, else one for each coil."""
    mask = sampled(*SHAPE)
    std = ALONG.expand(SHAPE)[mask]
    assert isinstance(measured(sense(mask, MAPS)).whitened(std).operator.gram.fast, SenseGram)
    assert isinstance(measured(fourier(mask)).whitened(std).operator.gram, Circulant)
    full = sense(mask | True, MAPS)
    assert measured(full).whitened(ALONG.repeat(SIDE)).operator.gram.fast.convolution.axes == (-1,)
    each = measured(full).whitened(torch.tensor([1.0, 2.0, 3.0])[:, None])
    assert isinstance(each.operator.gram, Diagonal)
    mixed = measured(sense(mask, MAPS)).whitened(torch.rand(COILS, int(mask.sum())) + 0.1)
    assert repr(mixed.operator.gram) == "Sᴴ Fᴴ D F S"
    assert isinstance(mixed.operator.gram.factors[1], Circulant)


@pytest.mark.parametrize(
    ("std", "words"),
    [
        (torch.ones(5), "does not broadcast to"),
        (torch.ones(1, 1, 1), "does not broadcast to"),
        (torch.tensor(0.0), "positive and finite"),
        (torch.tensor(-1.0), "positive and finite"),
        (torch.tensor(math.nan), "positive and finite"),
        (torch.tensor(math.inf), "positive and finite"),
        (torch.tensor(1j), "to be real"),
        (1.0, "Problem.whitened takes torch tensors"),
    ],
)
def test_what_is_no_noise_is_refused(std: Tensor, words: str) -> None:
    with pytest.raises(InputError) as caught:
        measured(OPERATORS["coils"]).whitened(std)
    assert words in str(caught.value)


# Every method


@cache
def problem_of(name: str) -> Problem:
    """In single precision, of smooth images; none has a norm far above one."""
    mask = sampled(*SHAPE)
    match name:
        case "subspace":
            operator = subspace(sampled(FRAMES, *SHAPE), MAPS, BASIS)
        case "off-resonance":
            operator = Subsample(mask) @ off_resonance(Fourier(SHAPE), FIELD, TIMES) @ Sensitivities(MAPS)
        case _:
            operator = sense(mask, MAPS)
    waves = torch.linspace(0, math.pi, SIDE, dtype=torch.float64).sin()
    image = torch.outer(waves, waves).expand(operator.domain_shape) * (1 + 0.5j)
    y = operator(image)
    noise = 0.02 * normal(*y.shape, seed=5)
    if name != "coloured noise":
        return Problem(operator, (y + noise).to(torch.complex64), 0.02)
    std = ALONG.expand(SHAPE)[mask]
    return Problem(operator, (y + std * noise).to(torch.complex64)).whitened(0.02 * std)


@cache
def prior_of(channels: int) -> GaussianPrior:
    place = torch.arange(SIDE, dtype=torch.float64)
    line = torch.exp(-((place[:, None] - place) ** 2) / 4)
    covariance = torch.kron(torch.eye(channels, dtype=torch.float64), 0.3 * torch.kron(line, line))
    return GaussianPrior(torch.full((channels, *SHAPE), 0.3, dtype=torch.float64), covariance)


MODELS = ["subspace", "off-resonance", "coloured noise"]
SINGULAR_VALUES = "DDRM needs an operator whose singular values are known"
UNSAMPLED = "UnsampledKspace needs Cartesian k-space, P(Λ) F or P(Λ) F S"
ONE_IMAGE = "Soss reconstructs the image of every coil, (coils, H, W)"
REFUSED = {
    **{("mc_ddpm", model): UNSAMPLED for model in MODELS},
    ("ddrm", "subspace"): ONE_IMAGE,
    ("ddrm", "off-resonance"): SINGULAR_VALUES,
    **{(name, "subspace"): ONE_IMAGE for name in ("chung2022_soss", "chung2022_hybrid")},
}
NEAR = ["estimate", "fast", "calibrated", "split_gibbs", "dds", "diffpir", "mmps", "pigdm", "pnp_dm", "pula", "daps"]
"""Methods whose images are near to the data in three steps."""


class Unsampled(GaussianPrior):
    domain = "unsampled k-space"


def drawn(name: str, problem: Problem) -> Tensor:
    sampler = METHODS[name].with_settings({"steps": "20" if name == "score_sde" else "3"}, channels=(2,))
    prior = prior_of(sampler.signal.channels)
    if sampler.view.domain != prior.domain:
        prior = Unsampled(prior.mean, prior.covariance)
    return sampler(problem, prior).mean


@pytest.mark.filterwarnings("ignore::UserWarning")  # three steps leave much to warn of
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_it_or_says_why_not(name: str, model: str) -> None:
    problem = problem_of(model)
    if (name, model) in REFUSED:
        with pytest.raises(InputError) as caught:
            drawn(name, problem)
        assert REFUSED[name, model] in str(caught.value)
        return
    image = drawn(name, problem)
    assert bool(torch.isfinite(image.abs()).all())
    assert image.shape[-2:] == SHAPE
    if name in NEAR:
        check_near(problem, image)


def check_near(problem: Problem, image: Tensor) -> None:
    residual = torch.linalg.vector_norm(problem.operator(image) - problem.y)
    assert residual < 0.5 * torch.linalg.vector_norm(problem.y)


def test_another_image_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check_near(problem_of("off-resonance"), drawn("fast", problem_of("off-resonance")).conj())


def test_coefficient_images_are_no_coils() -> None:
    mask = sampled(FRAMES, *SHAPE)
    for operator in (
        Subsample(mask) @ Basis(BASIS, SHAPE) @ Fourier(SHAPE),
        subspace(mask, MAPS, BASIS),
        lift((2,), sense(mask[0], MAPS)),
    ):
        with pytest.raises(InputError, match="Soss reconstructs the image of every coil"):
            Soss().observe(operator, normal(*operator.codomain_shape))


def test_coefficient_images_are_zero_where_no_coil_sees_them() -> None:
    """As are all images that are seen through the same maps."""
    maps = MAPS.clone()
    maps[:, :2] = 0
    operator = subspace(sampled(FRAMES, *SHAPE), maps, BASIS)
    image = Sense().image(torch.ones(5, *operator.domain_shape), measured(operator))
    assert not image[..., :2, :].any()
    assert bool((image[..., 2:, :] == 1).all())


def test_each_coefficient_image_meets_the_network_by_itself() -> None:
    x = normal(5, COEFFICIENTS, *SHAPE)
    seen = TwoChannel().encode(x)
    assert seen.shape == (5 * COEFFICIENTS, 2, *SHAPE)
    assert torch.equal(seen[3], torch.view_as_real(x[1, 1]).movedim(-1, 0))
    assert torch.equal(TwoChannel().decode(seen, x.shape), x)
