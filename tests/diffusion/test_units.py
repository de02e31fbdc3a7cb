"""Sizes that mean nothing: of the operator, of the measurement, of the prior; and noise that is next to none."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import Problem, Sampler, sampler
from invdiff.errors import InputError
from invdiff.methods import METHODS
from invdiff.priors import GaussianPrior, Intensity

NOISE_STD = 0.05
every_method = pytest.mark.parametrize("name", METHODS)
SCALES = st.floats(-12, 12).map(lambda exponent: 10.0**exponent)


def method(name: str, **settings: object) -> Sampler:
    """For a prior of one kind of images, as exact priors are."""
    run = METHODS[name].build(**{"steps": 20 if name == "score_sde" else 3, **settings})  # in three, that one diverges
    return replace(run, signal=run.signal.suiting(is_complex=run.signal.is_complex, channels=(run.signal.channels,)))


def prior_of(small, run: Sampler, white: float = 1.0) -> GaussianPrior:
    """The exact prior, its images in units in which white is this."""
    known = small.prior(run.signal.channels, run.view.domain)
    prior = GaussianPrior(white * known.mean, white**2 * known.covariance)
    prior.domain, prior.intensity = known.domain, Intensity(90.0, white)
    return prior


def images(
    small, run: Sampler, *, of_operator: float = 1.0, of_data: float = 1.0, white: float = 1.0,
    kind: torch.dtype = torch.complex128,
) -> Tensor:  # fmt: skip
    problem, whole = small.problem("sense", noise_std=NOISE_STD), of_operator * of_data
    problem = Problem(of_operator * problem.operator, (whole * problem.y).to(kind), whole * NOISE_STD)
    return run(problem, prior_of(small, run, white)).samples


def check_same(made: Tensor, expected: Tensor, tolerance: float = 1e-9) -> None:
    assert expected.isfinite().all()
    assert (made - expected).norm() <= tolerance * expected.norm()


@every_method
@given(scale=SCALES)
@settings(max_examples=5)
def test_a_scaled_operator_is_the_same_problem(small, name: str, scale: float) -> None:
    """c A and c y, noise and all, give the image that A and y give."""
    tolerance = 1e-3 if abs(scale - 1) < 1e-4 else 1e-9  # norms that are one to rounding are left as they are
    check_same(images(small, method(name), of_operator=scale), images(small, method(name)), tolerance)


@every_method
@given(scale=SCALES)
@settings(max_examples=5)
def test_units_of_the_data_are_those_of_the_image(small, name: str, scale: float) -> None:
    """c y, with c times the noise, gives c times the image."""
    check_same(images(small, method(name), of_data=scale) / scale, images(small, method(name)))


@every_method
@given(white=st.sampled_from([255.0, 1e-3, 4096.0]))
@settings(max_examples=3)
def test_a_prior_in_other_units_is_the_same_prior(small, name: str, white: float) -> None:
    check_same(images(small, method(name), white=white), images(small, method(name)))


@every_method
@pytest.mark.parametrize("exponent", [-12, 12])
def test_none_of_it_matters_in_single_precision(small, name: str, exponent: int) -> None:
    kind, scale = torch.complex64, 10.0**exponent
    plain = images(small, method(name), kind=kind)
    check_same(images(small, method(name), kind=kind, of_operator=scale), plain, 1e-3)
    check_same(images(small, method(name), kind=kind, of_data=scale) / scale, plain, 1e-3)
    check_same(images(small, method(name), kind=kind, white=255.0), plain, 1e-3)


@pytest.mark.parametrize("name", ["chung2022_complex", "jalal2021", "ccdf", "dds", "estimate"])
@pytest.mark.parametrize(
    ("part", "broken", "change"),
    [
        ("_of_norm_one", lambda operator, y, noise_std: (operator, y, noise_std), {"of_operator": 3.0}),
        ("scale_of", lambda problem, prior, signal: problem.scale or 1.0, {"of_data": 3.0}),
        ("white", lambda prior: 1.0, {"white": 255.0}),
    ],
)
def test_units_that_matter_are_noticed(
    small, name: str, part: str, broken: Callable[..., object], change: dict[str, float], monkeypatch
) -> None:
    run = method(name)
    monkeypatch.setattr(sampler, part, broken)
    with pytest.raises((AssertionError, InputError)):  # what is not of norm one may diverge
        check_same(images(small, run, **change) / change.get("of_data", 1.0), images(small, run))


# The least noise

NOISES = [0.0, 1e-300, 1e-12, 1e-8, 1e-5, 1e-3, 1e-2, 0.1, 1.0]


def residual(small, run: Sampler, operator: str, noise_std: float) -> float:
    """norm of y - A x over that of y, of data whose noise is that small; in single precision."""
    kind = torch.complex64 if run.signal.is_complex else torch.float32
    problem = small.problem(operator if run.signal.is_complex else "inpainting", kind, noise_std)
    y = problem.y.to(kind)
    (image,) = run(Problem(problem.operator, y, noise_std), prior_of(small, run)).samples
    assert image.isfinite().all()
    return float((problem.operator(image) - y).norm() / y.norm())


def check_less_noise_is_not_worse(residuals: list[float]) -> None:
    at_a_hundredth = residuals[NOISES.index(1e-2)]
    assert all(found <= 1.1 * at_a_hundredth + 1e-3 for found in residuals[: NOISES.index(1e-2)])


@every_method
def test_data_are_met_as_well_however_little_noise_they_have(small, name: str) -> None:
    check_less_noise_is_not_worse([residual(small, method(name), "sense", noise) for noise in NOISES])


@pytest.mark.parametrize("operator", ["sense", "fourier", "inpainting", "denoising"])
@pytest.mark.parametrize("name", ["dds", "fast", "estimate"])
def test_guidance_by_the_noise_meets_data_without_it(small, name: str, operator: str) -> None:
    run = method(name, steps=8)
    assert max(residual(small, run, operator, noise) for noise in NOISES if noise <= 1e-5) < 0.05
    if name != "dds":  # which does not ask for the noise
        assert residual(small, run, operator, 1.0) > 0.1


def test_data_that_are_ignored_are_noticed(small) -> None:
    with pytest.raises(AssertionError):
        check_less_noise_is_not_worse(
            [1.0 if noise < 1e-6 else residual(small, method("fast"), "sense", noise) for noise in NOISES]
        )
    assert residual(small, method("fast", steps=8, noise_floor=10.0), "fourier", 1e-8) > 0.05
    assert math.isfinite(residual(small, method("fast"), "sense", 0.0))
