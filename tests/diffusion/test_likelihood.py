"""Likelihood guidance: the posterior's score is the prior's and the gradient of a log likelihood, written once more."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    SDE,
    VE,
    VP,
    AnnealedLangevin,
    AnnealedLikelihood,
    Context,
    Geometric,
    Guidance,
    Levels,
    MagnitudePhase,
    NextLevel,
    NoisedLikelihood,
    NormMatchedLikelihood,
    RealImage,
    Sampler,
    Signal,
    SplitComplex,
    SubVP,
    TwoChannel,
)
from invdiff.diffusion.guidance import Likelihood
from invdiff.errors import InputError
from invdiff.operators import LinearOperator
from invdiff.priors import GaussianPrior

NOISE_STD, RHO, SAMPLES = 0.07, 0.6, 2
LEVELS = Levels((0.3, 1.4, 1.0), (2.0, 0.25, 0.0), (1.0, 0.5), (0.5, 0.5))
"""Two levels that belong to no SDE, so that no power of alpha or beta can hide."""
PROCESSES: dict[str, tuple[SDE, Levels | None]] = {
    "VE": (VE(0.1, 4), None),
    "VP": (VP(), None),
    "sub-VP": (SubVP(), None),
    "any": (VE(0.1, 4), LEVELS),
}
every_process = pytest.mark.parametrize("process", PROCESSES)
SIGNALS = {"fourier": SplitComplex(), "sense": TwoChannel(), "inpainting": TwoChannel(), "real": RealImage()}
every_signal = pytest.mark.parametrize("name", SIGNALS)


class Recorded:
    """Noise handed out in order."""

    samples = range(SAMPLES)

    def __init__(self, *noise: Tensor) -> None:
        self.noise = list(noise)

    def like(self, x: Tensor) -> Tensor:
        return self.noise.pop(0)


def bound(small, guidance: Guidance | None, name: str, process: str) -> Context:
    sde, levels = PROCESSES[process]
    signal = SIGNALS[name]
    problem = replace(small.problem("fourier" if name == "real" else name), noise_std=NOISE_STD)
    sampler = Sampler(sde, Geometric(4, 4.0, 0.1), [DDIM()], signal, guidance=guidance)
    context = sampler.bind(problem, small.prior(signal.channels)).run(range(SAMPLES))
    return small.rebound(context, levels=levels or context.levels)


def state(small, name: str, seed: int = 4) -> Tensor:
    return small.normal((SAMPLES, 4, 4), torch.float64 if name == "real" else torch.complex128, seed)


def gradient(log_likelihood, x: Tensor) -> Tensor:
    """d/dRe + i d/dIm, as autograd has it for a real function, of every sample by itself."""
    x = x.clone().requires_grad_()
    (result,) = torch.autograd.grad(log_likelihood(x).sum(), x)
    return result


def squares(residual: Tensor) -> Tensor:
    return torch.view_as_real(residual).square().flatten(1).sum(1)


def prior_log_density(x: Tensor, prior: GaussianPrior, signal: Signal, alpha: float, beta: float) -> Tensor:
    """Of alpha x_0 + beta z, up to a constant, by dense matrices."""
    rows = signal.encode(x).reshape(-1, prior.mean.numel()) - alpha * prior.mean.flatten()
    precision = torch.linalg.inv(alpha**2 * prior.covariance + beta**2 * torch.eye(rows.shape[1], dtype=torch.float64))
    return -0.5 * (rows @ precision * rows).sum()


def applied(operator: LinearOperator, x: Tensor) -> Tensor:
    return operator(x if x.is_complex() else torch.complex(x, torch.zeros_like(x)))


def annealed(context: Context, k: int, rho: float = RHO, noise_std: float = NOISE_STD, power: float = 1.0):
    """log N(y; A x / alpha, (rho sigma)^2 + noise_std^2 in each real number)."""
    alpha, beta, problem = context.levels.alpha[k], context.levels.beta[k], context.problem
    variance = (rho * beta / alpha) ** 2 + noise_std**2
    return lambda x: -squares(problem.y - applied(problem.operator, x / alpha**power)) / (2 * variance)


def noised(context: Context, k: int, z: Tensor, rho: float = RHO):
    """log N(alpha y + beta A z; A x, (rho beta)^2 in each real number)."""
    alpha, beta, problem = context.levels.alpha[k], context.levels.beta[k], context.problem
    y = alpha * problem.y + beta * applied(problem.operator, z)
    return lambda x: -squares(y - applied(problem.operator, x)) / (2 * (rho * beta) ** 2)


def agree(made: Tensor, expected: Tensor, rtol: float = 1e-8) -> bool:
    return torch.allclose(made, expected, rtol=rtol, atol=rtol * float(expected.abs().max()))


# The posterior's score


@pytest.mark.parametrize("k", [0, 1])
@every_signal
@every_process
def test_the_annealed_score_is_that_of_the_posterior(small, process: str, name: str, k: int) -> None:
    context, x = bound(small, AnnealedLikelihood(RHO), name, process), state(small, name)
    alpha, beta = context.levels.alpha[k], context.levels.beta[k]
    signal = SIGNALS[name]
    prior = small.prior(signal.channels)

    def posterior(x: Tensor, sign: float = 1.0, **changed: float) -> Tensor:
        likelihood = annealed(context, k, **changed)(x).sum()
        return prior_log_density(x, prior, signal, alpha, beta) + sign * likelihood

    made = context.score(x, k)
    assert agree(made, gradient(posterior, x))
    wrong = [{"sign": -1.0}, {"rho": 1.1 * RHO}, {"noise_std": 3.0}]
    assert not any(agree(made, gradient(lambda x, c=changed: posterior(x, **c), x), 1e-3) for changed in wrong)
    assert (alpha == 1) == agree(made, gradient(lambda x: posterior(x, power=2.0), x), 1e-6)


@pytest.mark.parametrize("k", [0, 1])
@every_signal
@every_process
def test_the_noised_score_is_that_of_the_posterior(small, process: str, name: str, k: int) -> None:
    context, x, z = bound(small, NoisedLikelihood(RHO), name, process), state(small, name), state(small, name, 5)
    context = replace(context, noise=Recorded(z))
    alpha, beta = context.levels.alpha[k], context.levels.beta[k]
    signal = SIGNALS[name]
    prior = small.prior(signal.channels)

    def posterior(x: Tensor, z: Tensor = z, rho: float = RHO) -> Tensor:
        return prior_log_density(x, prior, signal, alpha, beta) + noised(context, k, z, rho)(x).sum()

    made = context.score(x, k)
    assert agree(made, gradient(posterior, x))
    for changed in ({"z": -z}, {"z": z / 2**0.5}, {"rho": RHO * 2**0.5}):
        assert not agree(made, gradient(lambda x, c=changed: posterior(x, **c), x), 1e-3)


GUIDANCE: list[Likelihood] = [AnnealedLikelihood(RHO), NoisedLikelihood(RHO), NormMatchedLikelihood(2.0)]
every_guidance = pytest.mark.parametrize("guidance", GUIDANCE, ids=lambda guidance: type(guidance).__name__)


@every_guidance
@every_process
def test_mean_and_noise_of_an_estimate_belong_together(small, process: str, guidance: Likelihood) -> None:
    """x = alpha mean + beta noise, before and after; and the mean is Tweedie's of the guided score."""
    context, x = bound(small, guidance, "sense", process), state(small, "sense")
    context.noise.rewind(1)
    guided = context.estimate(x, 1)
    context.noise.rewind(1)
    score = context.score(x, 1)
    alpha, beta = context.levels.alpha[1], context.levels.beta[1]
    assert agree(alpha * guided.mean + beta * guided.noise, x)
    assert agree(guided.mean, (x + beta**2 * score) / alpha)
    assert agree(guided.noise, -beta * score)
    prior = small.rebound(context, guidance=None).estimate(x, 1)
    assert not agree(guided.mean, prior.mean, 1e-3)


# Exact where it is


@every_process
def test_the_annealed_likelihood_of_width_one_is_exact_where_little_is_known(small, process: str) -> None:
    """Given x, the image is N(x / alpha, sigma^2) under a prior N(0, s^2) with large s; so for A Aᴴ = I the data are
    N(A x / alpha, sigma^2 + noise_std^2). Exactly: by the posterior of each point of k-space."""
    s = 1e4
    wide = GaussianPrior(torch.zeros(1, 4, 4), torch.full((1, 4, 4), s**2))
    context, x = bound(small, AnnealedLikelihood(1.0), "fourier", process), state(small, "fourier")
    context = replace(context, denoiser=replace(context.denoiser, prior=wide))
    alpha, beta = context.levels.alpha[1], context.levels.beta[1]
    F, mask = context.operator.factors[1], context.operator.factors[0].mask
    mean, variance = torch.zeros(4, 4, dtype=torch.complex128), torch.full((4, 4), s**2, dtype=torch.float64)
    variance[mask] = 1 / (1 / s**2 + 1 / NOISE_STD**2)
    mean[mask] = variance[mask] * context.y / NOISE_STD**2
    exact = F.H(-(F(x) - alpha * mean) / (alpha**2 * variance + beta**2))
    assert agree(context.score(x, 1), exact, 1e-6)
    for rho in (0.9, 1.1):
        other = small.rebound(context, guidance=AnnealedLikelihood(rho))
        assert not agree(other.score(x, 1), exact, 1e-2)


@every_process
def test_a_wide_likelihood_says_nothing_and_a_narrow_one_all(small, process: str) -> None:
    x, k = state(small, "sense"), 1
    prior = bound(small, None, "sense", process).score(x, k)
    for wide in (AnnealedLikelihood(1e9), NoisedLikelihood(1e9), NormMatchedLikelihood(1e-9)):
        context = bound(small, wide, "sense", process)
        context.noise.rewind(1)
        assert agree(context.score(x, k), prior, 1e-6)
    narrow = bound(small, AnnealedLikelihood(1e-4, noise_std=0.0), "sense", process)
    towards = narrow.score(x, k)
    direction = narrow.operator.H(narrow.y - narrow.operator(x / narrow.levels.alpha[k]))
    assert agree(towards / torch.linalg.vector_norm(towards), direction / torch.linalg.vector_norm(direction), 1e-5)


@pytest.mark.parametrize("noise_std", [0.0, 0.2])
def test_a_noise_level_that_is_given_stands_in_for_the_problem_s(small, noise_std: float) -> None:
    x, k = state(small, "sense"), 1
    made = bound(small, AnnealedLikelihood(RHO, noise_std), "sense", "VP").score(x, k)
    context = bound(small, AnnealedLikelihood(RHO), "sense", "VP")
    assert agree(made, small.rebound(context, noise_std=noise_std).score(x, k))
    assert not agree(made, context.score(x, k), 1e-3)


def test_annealing_is_noising_less_the_noise(small) -> None:
    """With z = 0 and no measurement noise both are Aᴴ(alpha y - A x) / (rho beta)^2."""
    x = state(small, "sense")
    context = bound(small, NoisedLikelihood(RHO), "sense", "any")
    expected = bound(small, AnnealedLikelihood(RHO, noise_std=0.0), "sense", "any").score(x, 0)
    assert agree(replace(context, noise=Recorded(torch.zeros_like(x))).score(x, 0), expected)


def test_every_call_has_noise_of_its_own(small) -> None:
    context, x = bound(small, NoisedLikelihood(RHO), "sense", "VE"), state(small, "sense")
    context.noise.rewind(1)
    assert not agree(context.score(x, 1), context.score(x, 1), 1e-3)


# Matched norms


def lengths(x: Tensor) -> Tensor:
    return torch.view_as_real(x).square().flatten(1).sum(1).sqrt()


@every_process
def test_the_likelihood_s_score_is_weight_times_as_long_as_the_prior_s(small, process: str) -> None:
    context, x = bound(small, NormMatchedLikelihood(3.0), "sense", process), state(small, "sense")
    x[1] *= 20
    prior = small.rebound(context, guidance=None).score(x, 1)
    likelihood = context.score(x, 1) - prior
    torch.testing.assert_close(lengths(likelihood), 3 * lengths(prior))
    alpha, problem = context.levels.alpha[1], context.problem
    h = problem.operator.H(problem.y - problem.operator(x / alpha))
    torch.testing.assert_close(likelihood / lengths(likelihood)[:, None, None], h / lengths(h)[:, None, None])
    over_the_batch = lengths(prior).square().sum().sqrt() / lengths(h).square().sum().sqrt()
    assert not agree(likelihood, 3 * over_the_batch * h, 1e-3)


@given(factor=st.floats(1e-3, 0.9) | st.floats(1.1, 1e3))
@settings(max_examples=20)
def test_scales_of_operator_and_data_cancel(small, factor: float) -> None:
    """y and A in other units: the released weight sees no difference, the paper's does."""
    x = state(small, "sense")
    made = {}
    for guidance in (NormMatchedLikelihood(5.0), AnnealedLikelihood(RHO)):
        context = bound(small, guidance, "sense", "any")
        louder = small.rebound(context, operator=factor * context.operator, y=factor * context.y)
        made[type(guidance)] = louder.score(x, 0), context.score(x, 0)
    assert agree(*made[NormMatchedLikelihood])
    assert not agree(*made[AnnealedLikelihood], 1e-3)


@every_guidance
def test_what_explains_the_data_is_left_as_it_is(small, guidance: Likelihood) -> None:
    """A x = alpha y exactly (and no noise on it): the likelihood's score is zero, and no NaN where it has no length."""
    context = bound(small, guidance, "inpainting", "VE")
    mask = small.operators["inpainting"].mask
    x = state(small, "inpainting")
    x[:, mask] = context.y
    context = replace(context, noise=Recorded(torch.zeros_like(x), torch.zeros_like(x)))
    assert agree(context.score(x, 1), small.rebound(context, guidance=None).score(x, 1))
    assert not agree(context.score(x + 0.1, 1), small.rebound(context, guidance=None).score(x + 0.1, 1), 1e-3)


def test_a_sample_does_not_depend_on_its_neighbours(small) -> None:
    x = state(small, "sense")
    for guidance in GUIDANCE:
        made = []
        for factor in (1, 100):
            context = bound(small, guidance, "sense", "VP")
            context.noise.rewind(1)
            changed = x.clone()
            changed[1] *= factor
            made.append(context.score(changed, 1))
        torch.testing.assert_close(made[0][0], made[1][0], rtol=1e-12, atol=1e-12)
        assert not agree(made[0][1], made[1][1], 1e-3)


# Refusals


@every_guidance
def test_states_without_a_density_are_refused(small, guidance: Likelihood) -> None:
    sampler = Sampler(VE(), Geometric(3), [DDIM()], MagnitudePhase(), guidance=guidance)
    with pytest.raises(InputError, match=f"{type(guidance).__name__} needs a signal whose states have a density"):
        sampler.bind(small.problem("fourier"), small.prior(1))


def test_the_annealed_likelihood_needs_a_noise_level(small) -> None:
    silent = replace(small.problem("fourier"), noise_std=None)
    sampler = Sampler(VE(), Geometric(3), [DDIM()], TwoChannel(), guidance=AnnealedLikelihood())
    with pytest.raises(InputError, match=r"AnnealedLikelihood needs the noise level: give Problem\(noise_std=...\)"):
        sampler.bind(silent, small.prior(2))
    for guidance in (AnnealedLikelihood(noise_std=0.1), NoisedLikelihood(), NormMatchedLikelihood()):
        replace(sampler, guidance=guidance)(silent, small.prior(2))


@pytest.mark.parametrize("factor", [0.4, 1.1])
def test_a_step_is_refused_where_its_likelihood_diverges(small, factor: float) -> None:
    """Of a measurement without noise the length times the curvature is 2 (snr / rho)^2; beyond two it diverges whatever
    the prior says."""
    sampler = Sampler(
        VE(0.1, 4),
        Geometric(40),
        [AnnealedLangevin(factor * RHO, 20), NextLevel()],
        TwoChannel(),
        guidance=AnnealedLikelihood(RHO, noise_std=0.0),
    )
    problem, prior = small.problem("fourier"), small.prior(2)
    if factor < 1:
        assert float(sampler(problem, prior).samples.abs().max()) < 10
        return
    with pytest.raises(InputError, match=r"step is 1.2 times the longest with which its likelihood stays stable"):
        sampler.bind(problem, prior)
    unchecked = small.rebound(replace(sampler, guidance=None).bind(problem, prior).run(), guidance=sampler.guidance)
    *_, last = unchecked.states()
    assert float(last.x.abs().max()) > 1e4
