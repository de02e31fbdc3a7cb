import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors import GaussianPrior

EVENT = (2, 2, 3)
seeds = st.integers(0, 2**16)
sigmas = st.floats(0.01, 100)


def random_covariance(generator: torch.Generator, size: int) -> Tensor:
    factor = torch.randn(size, size, generator=generator, dtype=torch.float64)
    return factor @ factor.mT / size


def random_prior(seed: int) -> tuple[GaussianPrior, Tensor, Tensor, torch.Generator]:
    generator = torch.Generator().manual_seed(seed)
    mean = torch.randn(EVENT, generator=generator, dtype=torch.float64)
    covariance = random_covariance(generator, math.prod(EVENT))
    return GaussianPrior(mean, covariance), mean, covariance, generator


def log_density_gradient(mean: Tensor, covariance: Tensor, x: Tensor, sigma: float) -> Tensor:
    """By autograd, through torch's own Gaussian."""
    noisy = covariance + sigma**2 * torch.eye(len(covariance), dtype=torch.float64)
    flat = x.reshape(-1, len(covariance)).clone().requires_grad_()
    torch.distributions.MultivariateNormal(mean.flatten(), noisy).log_prob(flat).sum().backward()
    assert flat.grad is not None
    return flat.grad.reshape(x.shape)


@settings(max_examples=50)
@given(seeds, sigmas)
def test_score_and_tweedie_are_the_gradient_of_the_log_density(seed: int, sigma: float) -> None:
    prior, mean, covariance, generator = random_prior(seed)
    x = 3 * torch.randn(4, *EVENT, generator=generator, dtype=torch.float64)
    gradient = log_density_gradient(mean, covariance, x, sigma)
    torch.testing.assert_close(prior.score(x, sigma), gradient, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close((prior.denoise(x, sigma) - x) / sigma**2, gradient, rtol=1e-6, atol=1e-8)


def test_the_gradient_check_rejects_a_wrong_covariance() -> None:
    prior, mean, covariance, generator = random_prior(0)
    x = torch.randn(4, *EVENT, generator=generator, dtype=torch.float64)
    wrong = log_density_gradient(mean, 1.01 * covariance, x, 0.5)
    assert not torch.allclose(prior.score(x, 0.5), wrong, rtol=1e-6, atol=1e-8)


@settings(max_examples=50)
@given(seeds, sigmas)
def test_log_density_agrees_with_torch(seed: int, sigma: float) -> None:
    prior, mean, covariance, generator = random_prior(seed)
    x = torch.randn(2, 3, *EVENT, generator=generator, dtype=torch.float64)
    noisy = covariance + sigma**2 * torch.eye(len(covariance), dtype=torch.float64)
    expected = torch.distributions.MultivariateNormal(mean.flatten(), noisy).log_prob(x.flatten(2))
    torch.testing.assert_close(prior.log_density(x, sigma), expected, rtol=1e-8, atol=1e-8)


def test_variances_and_their_diagonal_matrix_are_one_prior() -> None:
    generator = torch.Generator().manual_seed(1)
    mean = torch.randn(EVENT, generator=generator, dtype=torch.float64)
    variances = torch.rand(EVENT, generator=generator, dtype=torch.float64)
    diagonal, dense = GaussianPrior(mean, variances), GaussianPrior(mean, torch.diag(variances.flatten()))
    x = torch.randn(5, *EVENT, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(diagonal.covariance, dense.covariance)
    torch.testing.assert_close(diagonal.denoise(x, 0.3), dense.denoise(x, 0.3))
    torch.testing.assert_close(diagonal.log_density(x, 0.3), dense.log_density(x, 0.3))
    assert diagonal.data_std == pytest.approx(variances.mean().sqrt().item())
    assert diagonal.data_std == pytest.approx(dense.data_std)


def test_leading_axes_are_free_and_dtype_is_kept() -> None:
    prior, mean, covariance, generator = random_prior(2)
    torch.testing.assert_close(prior.mean, mean)
    torch.testing.assert_close(prior.covariance, covariance)
    assert prior.channels == (2,)
    x = torch.randn(2, 3, *EVENT, generator=generator)
    together = prior.denoise(x, 0.7)
    assert together.shape == x.shape
    assert together.dtype == torch.float32
    torch.testing.assert_close(together[1, 2], prior.denoise(x[1, 2], 0.7), rtol=1e-6, atol=1e-7)


def test_a_singular_covariance_keeps_its_null_space_at_the_mean() -> None:
    prior = GaussianPrior(torch.tensor([1.0, 5.0]), torch.tensor([4.0, 0.0]))
    x = torch.tensor([[3.0, -2.0]])
    torch.testing.assert_close(prior.denoise(x, 0.0), torch.tensor([[3.0, 5.0]]))
    torch.testing.assert_close(prior.denoise(x, 2.0), torch.tensor([[2.0, 5.0]]))
    with pytest.raises(InputError, match="no density"):
        prior.log_density(x, 0.0)


def test_copies_move_to_another_device() -> None:
    prior = random_prior(3)[0]
    moved = prior.to("meta")
    assert moved.mean.device.type == "meta"
    assert moved.covariance.device.type == "meta"
    assert prior.mean.device.type == "cpu"


ones = torch.ones(3)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: GaussianPrior(ones, torch.ones(2, 2)), r"\(3,\).*\(3, 3\).*\(2, 2\)"),
        (lambda: GaussianPrior(ones, torch.tensor([[1.0, 1, 0], [0, 1, 0], [0, 0, 1]])), "not symmetric"),
        (lambda: GaussianPrior(ones, -ones), "negative eigenvalue"),
        (lambda: GaussianPrior(ones, ones * math.nan), "NaN"),
        (lambda: GaussianPrior(ones + 0j, ones), "real numbers"),
        (lambda: GaussianPrior(ones, ones).denoise(torch.ones(4, 2), 1.0), r"\(3,\).*\(4, 2\)"),
        (lambda: GaussianPrior(ones, ones).denoise(ones + 0j, 1.0), "complex"),
        (lambda: GaussianPrior(ones, ones).denoise(ones, -1.0), "sigma = -1"),
        (lambda: GaussianPrior(ones, ones).denoise(ones, math.nan), "sigma = nan"),
        (lambda: GaussianPrior(ones, ones).score(ones, 0.0), "above 0"),
    ],
)
def test_refusals(make: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()
