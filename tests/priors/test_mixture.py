import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors import GaussianMixturePrior, GaussianPrior

seeds = st.integers(0, 2**16)
sigmas = st.floats(0.02, 50)


def random_mixture(
    seed: int,
) -> tuple[GaussianMixturePrior, Callable[[float], torch.distributions.Distribution], Tensor]:
    """A mixture on (1, 2, 2), torch's own mixture of its noisy images at a level, and some images."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(3, generator=generator, dtype=torch.float64) + 0.1
    means = 3 * torch.randn(3, 1, 2, 2, generator=generator, dtype=torch.float64)
    factors = torch.randn(3, 4, 4, generator=generator, dtype=torch.float64)
    covariances = factors @ factors.mT / 4
    x = 3 * torch.randn(5, 1, 2, 2, generator=generator, dtype=torch.float64)

    def noisy(sigma: float) -> torch.distributions.Distribution:
        total = covariances + sigma**2 * torch.eye(4, dtype=torch.float64)
        return torch.distributions.MixtureSameFamily(
            torch.distributions.Categorical(weights),
            torch.distributions.MultivariateNormal(means.flatten(1), total),
        )

    return GaussianMixturePrior(weights, means, covariances), noisy, x


@settings(max_examples=50)
@given(seeds, sigmas)
def test_score_and_tweedie_are_the_gradient_of_the_log_density(seed: int, sigma: float) -> None:
    prior, noisy, x = random_mixture(seed)
    flat = x.flatten(1).requires_grad_()
    log_density = noisy(sigma).log_prob(flat)
    log_density.sum().backward()
    gradient = flat.grad.reshape(x.shape)
    torch.testing.assert_close(prior.log_density(x, sigma), log_density.detach(), rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(prior.score(x, sigma), gradient, rtol=1e-5, atol=1e-8)
    torch.testing.assert_close((prior.denoise(x, sigma) - x) / sigma**2, gradient, rtol=1e-5, atol=1e-8)


def quadrature(weights: Tensor, means: Tensor, variances: Tensor, x: float, sigma: float) -> float:
    """E[x_0 | x] by the plain sum over a fine grid of x_0."""
    grid = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    prior = (
        weights[:, None]
        * torch.exp(-((grid - means[:, None]) ** 2) / (2 * variances[:, None]))
        / variances[:, None].sqrt()
    )
    posterior = prior.sum(0) * torch.exp(-((x - grid) ** 2) / (2 * sigma**2))
    return float((grid * posterior).sum() / posterior.sum())


@settings(max_examples=30)
@given(seeds, st.floats(-4, 4), st.floats(0.05, 5))
def test_denoise_is_the_posterior_mean_by_quadrature(seed: int, x: float, sigma: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(3, generator=generator, dtype=torch.float64) + 0.1
    means = 2 * torch.randn(3, 1, generator=generator, dtype=torch.float64).clamp(-2, 2)
    variances = torch.rand(3, 1, generator=generator, dtype=torch.float64) + 0.01
    prior = GaussianMixturePrior(weights, means, variances)
    answer = float(prior.denoise(torch.tensor([x], dtype=torch.float64), sigma))
    assert answer == pytest.approx(quadrature(weights, means[:, 0], variances[:, 0], x, sigma), rel=1e-5, abs=1e-5)


def test_quadrature_rejects_exchanged_weights() -> None:
    weights, means, variances = torch.tensor([0.9, 0.1]), torch.tensor([-1.0, 1.0]), torch.tensor([0.1, 0.1])
    prior = GaussianMixturePrior(weights, means[:, None], variances[:, None])
    answer = float(prior.denoise(torch.tensor([0.0], dtype=torch.float64), 1.0))
    assert answer == pytest.approx(quadrature(weights, means, variances, 0.0, 1.0), abs=1e-6)
    assert answer != pytest.approx(quadrature(weights.flip(0), means, variances, 0.0, 1.0), abs=0.1)


def test_far_from_every_mode_answers_stay_finite() -> None:
    prior = GaussianMixturePrior(torch.tensor([0.5, 0.5]), torch.tensor([[-1.0], [1.0]]), torch.full((2, 1), 1e-4))
    x = torch.tensor([[1e4], [-1e4]])
    torch.testing.assert_close(prior.denoise(x, 1e-2), (x + x.sign()) / 2)
    assert prior.score(x, 1e-2).isfinite().all()


def test_one_component_is_the_gaussian_and_moments_are_the_mixtures() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, variances = torch.randn(1, 2, 2, generator=generator), torch.rand(1, 2, 2, generator=generator)
    single, gaussian = GaussianMixturePrior(torch.ones(1), [mean], [variances]), GaussianPrior(mean, variances)
    x = torch.randn(3, 1, 2, 2, generator=generator)
    torch.testing.assert_close(single.denoise(x, 0.4), gaussian.denoise(x, 0.4))
    assert single.data_std == pytest.approx(gaussian.data_std)
    assert single.channels == (1,)

    pair = GaussianMixturePrior(torch.tensor([1.0, 3.0]), torch.tensor([[0.0], [4.0]]), torch.tensor([[1.0], [2.0]]))
    torch.testing.assert_close(pair.mean, torch.tensor([3.0], dtype=torch.float64))
    assert pair.data_std == pytest.approx(math.sqrt(0.25 * 1 + 0.75 * 2 + 0.25 * 9 + 0.75 * 1))


def test_copies_move_to_another_device() -> None:
    prior = random_mixture(0)[0]
    assert prior.to("meta").mean.device.type == "meta"
    assert prior.mean.device.type == "cpu"


half = torch.tensor([0.5, 0.5])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: GaussianMixturePrior(half, torch.ones(3, 1), torch.ones(3, 1)), r"\(2,\), 3 means and 3 covariances"),
        (lambda: GaussianMixturePrior(-half, torch.ones(2, 1), torch.ones(2, 1)), "not negative"),
        (lambda: GaussianMixturePrior(0 * half, torch.ones(2, 1), torch.ones(2, 1)), "not all 0"),
        (lambda: GaussianMixturePrior(half, [torch.ones(1), torch.ones(2)], [torch.ones(1), torch.ones(2)]), "shapes"),
        (lambda: GaussianMixturePrior(half, torch.ones(2, 1), -torch.ones(2, 1)), "negative eigenvalue"),
        (lambda: GaussianMixturePrior(half, torch.ones(2, 1), torch.ones(2, 1)).score(torch.ones(1), 0.0), "above 0"),
    ],
)
def test_refusals(make: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()
