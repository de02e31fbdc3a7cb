"""With independent pixels of the assumed variance, guidance is Bayes' rule: many small steps sample the posterior."""

import numpy as np
import pytest
import torch

from invdiff.diffusion import (
    DDIM,
    VE,
    Converged,
    DPMSolver2M,
    Karras,
    PosteriorVariance,
    Predictor,
    ProbabilityFlow,
    Problem,
    Proximal,
    Renoise,
    ReverseDiffusion,
    Sampler,
    TwoChannel,
)
from invdiff.operators import denoising, fourier
from invdiff.priors import GaussianPrior

SIDE, STD, NOISE_STD = 2, 0.6, 0.4
OPERATORS = {
    "denoising": denoising((SIDE, SIDE)),
    "fourier": fourier(torch.tensor([[True, False], [True, True]])),
}
EXACTLY = Converged(1e-12)
by_bayes = Proximal(PosteriorVariance(STD, held_back=0.0), EXACTLY, "estimate")


def errors(small, affine_map, name: str, predictor: Predictor, guidance: Proximal, steps: int) -> tuple[float, float]:
    """Of mean and covariance, in units of the posterior's largest standard deviation and variance."""
    operator = OPERATORS[name]
    prior = GaussianPrior(small.normal((2, SIDE, SIDE), torch.float64), torch.full((2, SIDE, SIDE), STD**2))
    y = small.normal(operator.codomain_shape, torch.complex128, seed=5)
    sampler = Sampler(VE(0.01, 200), Karras(steps, 200, 0.01), [predictor], TwoChannel(), guidance=guidance)
    made, root = affine_map(sampler, Problem(operator, y, NOISE_STD), prior)

    size = 2 * SIDE**2
    units = torch.eye(size, dtype=torch.float64).reshape(size, SIDE, SIDE, 2)
    A = torch.view_as_real(operator(torch.view_as_complex(units))).reshape(size, -1).T.numpy()
    covariance = np.linalg.inv(np.eye(size) / STD**2 + A.T @ A / NOISE_STD**2)
    prior_mean, data = prior.mean.movedim(0, -1).flatten().numpy(), torch.view_as_real(y).flatten().numpy()
    mean = covariance @ (prior_mean / STD**2 + A.T @ data / NOISE_STD**2)
    variance = covariance.diagonal().max()
    off = np.abs(root @ root.T - covariance).max() / variance
    return float(np.abs(made - mean).max() / np.sqrt(variance)), float(off)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(
    "predictor", [DDIM(), DDIM(1.0), ReverseDiffusion(), ProbabilityFlow(), DPMSolver2M()], ids=repr
)
def test_many_steps_sample_the_posterior(small, affine_map, name: str, predictor: Predictor) -> None:
    """With an error that falls as the steps do."""
    coarse, fine = (errors(small, affine_map, name, predictor, by_bayes, steps) for steps in (25, 100))
    assert max(fine) < 0.15
    assert fine[1] < 0.4 * coarse[1]


@pytest.mark.parametrize(
    ("predictor", "guidance"),
    [
        (DDIM(1.0), Proximal(PosteriorVariance(STD, 2 * NOISE_STD, held_back=0.0), EXACTLY, "estimate")),
        (DDIM(), Proximal(PosteriorVariance(STD, held_back=0.0), EXACTLY, "network")),
        (Renoise(1.0), by_bayes),  # for few steps: in the limit it forgets the state too fast
    ],
    ids=["another noise level", "the network's noise", "all noise anew"],
)
def test_the_check_rejects_what_is_not_bayes_rule(small, affine_map, predictor: Predictor, guidance: Proximal) -> None:
    assert max(errors(small, affine_map, "denoising", predictor, guidance, 100)) > 0.2
