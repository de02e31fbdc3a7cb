"""Guidance gets the prior: it asks as often as it says, and takes the gradient that it needs and leaves no graph."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    VE,
    VP,
    Context,
    Every,
    Geometric,
    Guidance,
    Langevin,
    Linearised,
    ProbabilityFlow,
    RealImage,
    Sampler,
    Signal,
    SplitComplex,
    Tweedie,
    TwoChannel,
)
from invdiff.diffusion.guidance import Denoise, Estimate
from invdiff.errors import InputError
from invdiff.priors import Clean, GaussianPrior, Prior, ScorePrior


@dataclass(frozen=True)
class Twice(Guidance):
    """Asks the prior about the state, and then about its answer."""

    network_calls: ClassVar[int] = 2

    def __call__(self, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        return prior(context.levels.alpha[k] * prior(x).mean)


class Uncounted(Twice):
    """Says that it asks once."""

    network_calls: ClassVar[int] = 1


def counted(small, run: Sampler) -> int:
    return run(small.problem("sense"), small.prior(2), samples=2).nfe


@pytest.mark.parametrize(
    "steps",
    [[DDIM()], [ProbabilityFlow()], [Langevin(0.1, 3), DDIM()], [Every(2, Langevin()), ProbabilityFlow()]],
    ids=repr,
)
@pytest.mark.parametrize("finish", [[], [Tweedie()], [Tweedie(guided=False)]], ids=repr)
def test_calls_are_those_that_guidance_says(small, steps: list, finish: list) -> None:
    run = Sampler(VE(0.1, 4), Geometric(5), steps, TwoChannel(), guidance=Twice(), finish=finish)
    assert counted(small, run) == run.nfe == run.bind(small.problem("sense"), small.prior(2)).network_calls
    wrong = replace(run, guidance=Uncounted())
    assert counted(small, wrong) != wrong.nfe


# Gradients

SIGNALS = [RealImage(), SplitComplex(), TwoChannel()]


def bound(small, signal: Signal, prior: Prior | None = None) -> Context:
    sampler = Sampler(VP(), Geometric(4, 4.0, 0.1), [DDIM()], signal)
    problem = small.problem("inpainting", torch.complex128 if signal.is_complex else torch.float64)
    return sampler.bind(problem, prior or small.prior(signal.channels)).run(range(2))


def real_inner(u: Tensor, v: Tensor) -> Tensor:
    return (u.conj() * v).real.sum()


@pytest.mark.parametrize("signal", SIGNALS, ids=repr)
def test_the_derivative_is_that_of_finite_differences(small, signal: Signal) -> None:
    """<v, x_0(x + h d) - x_0(x)> / h = <Jᴴ v, d>, exactly where the prior is Gaussian."""
    context = bound(small, signal)
    kind = context.y.dtype
    x, v, d = (small.normal((2, 4, 4), kind, seed) for seed in (1, 2, 3))
    with torch.no_grad():
        made = Linearised.of(lambda state: context.unguided(state, 1), x)
        moved = context.unguided(x + d, 1).mean - context.unguided(x, 1).mean
    torch.testing.assert_close(real_inner(made.adjoint(v), d), real_inner(v, moved))
    assert not torch.allclose(real_inner(-made.adjoint(v), d), real_inner(v, moved), rtol=1e-3)
    torch.testing.assert_close(made.estimate.mean, context.unguided(x, 1).mean)
    assert not any(each.requires_grad for each in (made.estimate.mean, made.estimate.noise, x))


def test_samples_side_by_side_have_derivatives_of_their_own(small) -> None:
    context = bound(small, TwoChannel())
    x, v = (small.normal((2, 4, 4), torch.complex128, seed) for seed in (1, 2))
    v[1] = 0
    made = Linearised.of(lambda state: context.unguided(state, 1), x).adjoint(v)
    assert made[0].abs().max() > 0
    assert made[1].abs().max() == 0


class Deaf(Prior):
    """Answers with what it has computed elsewhere."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return 0.5 * x.detach()


class DeafNetwork(torch.nn.Module):
    """A network that takes no gradient; its preconditioning does."""

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return x.detach()


@pytest.mark.parametrize("prior", [Deaf(), ScorePrior(DeafNetwork(), Clean(), channels=(2,), sigma_range=(0.01, 10))])
def test_a_prior_that_no_gradient_passes_is_refused(small, prior: Prior) -> None:
    context = bound(small, TwoChannel(), prior)
    x = small.normal((2, 4, 4), torch.complex128)
    with pytest.raises(InputError, match=r"[nN]o gradient passes through"):
        Linearised.of(lambda state: context.unguided(state, 1), x)
    assert context.unguided(x, 1).mean.isfinite().all()  # and without one it answers


@dataclass(frozen=True)
class Leaning(Guidance):
    """A shift by Jᴴ of the residual."""

    def __call__(self, prior: Denoise, x: Tensor, k: int, context: Context) -> Estimate:
        made = Linearised.of(prior, x)
        assert not torch.is_grad_enabled()
        shift = made.adjoint(context.adjoint_y - context.operator.gram(made.estimate.mean))
        return Estimate(made.estimate.mean + shift, made.estimate.noise)


class Watched(GaussianPrior):
    """Counts in how many of its answers a graph is kept."""

    graphs = 0

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        found = super().denoise(x, sigma)
        self.graphs += found.requires_grad
        return found


def test_no_graph_outlives_an_estimate(small) -> None:
    known = small.prior(2)
    prior = Watched(known.mean, known.covariance)
    run = Sampler(VE(0.1, 4), Geometric(3), [DDIM()], TwoChannel(), guidance=Leaning())
    assert all(not state.x.requires_grad for state in run.bind(small.problem("sense"), prior).run().states())
    assert prior.graphs == run.nfe == 3
    replace(run, guidance=None)(small.problem("sense"), prior)
    assert prior.graphs == 3
