"""Exact posteriors, against the same mathematics done another way."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import SplitComplex, TwoChannel
from invdiff.priors import GaussianMixturePrior
from invdiff.testing import dense
from invdiff.verification import FULL, OPERATORS, PRIORS, SHORT, ExactProblem, Mixture, PartsAlike
from invdiff.verification.coordinates import coordinates, from_coordinates, matrix


def drawn_mixture(k: int, d: int, generator: torch.Generator) -> Mixture:
    weights = torch.rand(k, dtype=torch.float64, generator=generator) + 0.1
    factors = torch.randn(k, d, d, dtype=torch.float64, generator=generator)
    means = 2 * torch.randn(k, d, dtype=torch.float64, generator=generator)
    return Mixture(weights / weights.sum(), means, factors @ factors.mT / d + 0.05 * torch.eye(d, dtype=torch.float64))


def log_density(mixture: Mixture, x: Tensor) -> Tensor:
    """By torch's own densities; their mixtures take no weight below rounding."""
    components = torch.distributions.MultivariateNormal(mixture.means, mixture.covariances)
    return (mixture.weights.log() + components.log_prob(x[:, None])).logsumexp(-1)


@given(
    seed=st.integers(0, 2**31), k=st.integers(1, 4), d=st.integers(1, 5), rows=st.integers(1, 6), s=st.floats(0.1, 2)
)
def test_posterior_is_prior_times_likelihood_but_for_a_constant(seed: int, k: int, d: int, rows: int, s: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    prior = drawn_mixture(k, d, generator)
    A = torch.randn(rows, d, dtype=torch.float64, generator=generator)
    y = torch.randn(rows, dtype=torch.float64, generator=generator)
    x = prior.given(A, y, s).draw(7, generator)  # where components without weight count for nothing

    def unequal(s: float) -> float:
        likelihood = -0.5 * (y - x @ A.T).square().sum(-1) / s**2
        constant = log_density(prior, x) + likelihood - log_density(prior.given(A, y, assumed), x)
        return float((constant - constant[0]).abs().max() / (1 + likelihood.abs().max()))

    assumed = s
    assert unequal(s) < 1e-6
    if float((x[1:] @ A.T - x[:1] @ A.T).abs().max()) > 0.1:
        assert unequal(2 * s) > 1e-6  # a wrong level does not pass


def test_moments_and_marginals_are_those_of_draws() -> None:
    generator = torch.Generator().manual_seed(1)
    mixture = drawn_mixture(3, 4, generator)
    x = mixture.draw(200_000, generator)
    assert torch.allclose(x.mean(0), mixture.mean, atol=0.03)
    assert torch.allclose(torch.cov(x.T), mixture.covariance, atol=0.1)
    directions = torch.randn(4, 5, dtype=torch.float64, generator=generator)
    along, probabilities = mixture.along(directions), torch.tensor([0.01, 0.2, 0.5, 0.95], dtype=torch.float64)
    assert torch.allclose(along.std, (x @ directions).std(0), rtol=0.02)
    values = along.quantiles(probabilities)
    assert torch.allclose(along.cdf(values), probabilities[:, None].expand(-1, 5), atol=1e-9)
    counted = torch.stack([((x @ directions) < value).double().mean(0) for value in values])
    assert torch.allclose(counted, probabilities[:, None].expand(-1, 5), atol=0.005)


@pytest.mark.parametrize("name", OPERATORS)
def test_matrix_of_coordinates(name: str) -> None:
    operator = OPERATORS[name]()
    assert torch.equal(matrix(operator), dense(operator))
    x = torch.randn(3, *operator.domain_shape, dtype=torch.complex128)
    assert torch.equal(from_coordinates(coordinates(x, 2), operator.domain_shape), x)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("signal", [SplitComplex(), TwoChannel()])
def test_prior_denoises_as_its_mixture_does(name: str, signal: SplitComplex | TwoChannel) -> None:
    """Denoising is a posterior mean, so the prior and the posterior's formula say the same."""
    prior = PRIORS[name]()
    x = torch.randn(2, *prior.shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    sigma, mixture = 0.2, Mixture(*prior.components())
    expected = torch.stack([mixture.given(torch.eye(128).double(), coordinates(each, 2), sigma).mean for each in x])
    made = signal.decode(prior.denoise(signal.encode(x), sigma), x.shape)
    assert torch.allclose(coordinates(made, 2), expected, atol=1e-10)
    scored = signal.decode(prior.score(signal.encode(x), sigma), x.shape)
    assert torch.allclose(scored, (made - x) / sigma**2, atol=1e-8)


def test_parts_have_modes_of_their_own() -> None:
    means = torch.tensor([-1.0, 1.0]).reshape(2, 1, 1, 1)
    prior = PartsAlike(GaussianMixturePrior(torch.tensor([0.25, 0.75]), means, torch.full((2, 1, 1, 1), 1e-4)))
    weights, modes, _ = prior.components()
    by_mode = {tuple(mode): round(float(weight), 4) for mode, weight in zip(modes.tolist(), weights, strict=True)}
    assert by_mode == {(-1, -1): 0.0625, (-1, 1): 0.1875, (1, -1): 0.1875, (1, 1): 0.5625}


def test_problems_are_the_same_for_the_same_numbers_alone() -> None:
    kind = SHORT[0]
    y = kind.posed(1, 5).problem.y
    again = ExactProblem(kind.prior, kind.operator, kind.noise_std).posed(1, 5).problem.y
    assert torch.equal(y, again)
    assert not torch.equal(y, kind.posed(2, 5).problem.y)
    assert not torch.equal(y, kind.posed(1, 6).problem.y)


def test_noise_is_of_its_level() -> None:
    """y - A x has the covariance of y less that of A x: read off many measurements."""
    kind = ExactProblem("circulant", "denoise", 0.3)
    y = torch.stack([coordinates(kind.posed(case).problem.y, 2) for case in range(200)])
    prior = kind.posed(0).prior.part.components[0].covariance
    assert math.sqrt(float(y.var(0).mean() - prior.diagonal().mean())) == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize("kind", SHORT, ids=str)
def test_axes_part_what_was_measured_from_what_was_not(kind: ExactProblem) -> None:
    posed = kind.posed(0)
    directions, measured = posed.axes.directions, posed.axes.measured
    assert torch.allclose(directions.T @ directions, torch.eye(128).double(), atol=1e-10)
    seen = torch.linalg.vector_norm(matrix(posed.problem.operator) @ directions, dim=0)
    assert float(seen[:measured].min()) > 0.1 * float(seen.max())
    assert measured == 128 or float(seen[measured:].max()) < 0.1 * float(seen.max())
    apart = directions.T @ posed.posterior.covariance @ directions
    for block in (apart[:measured, :measured], apart[measured:, measured:]):
        assert torch.allclose(block, block.diagonal().diag(), atol=1e-10)


def test_short_form_has_each_part_of_the_full_one() -> None:
    assert set(SHORT) <= set(FULL)
    for part in ("prior", "operator", "noise_std"):
        assert {getattr(kind, part) for kind in SHORT} == {getattr(kind, part) for kind in FULL}
    assert len(FULL) == len(set(FULL)) == 32


def test_problems_leave_modes_open() -> None:
    """On one of them at least, no mode is certain: else weights of modes would not be under test."""
    weights = [kind.posed(case).posterior.weights for kind in FULL if kind.prior == "modes" for case in range(2)]
    assert min(float(each.max()) for each in weights) < 0.6
    assert np.median([float(each.max()) for each in weights]) < 1 - 1e-3
